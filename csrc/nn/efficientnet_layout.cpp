#include "nn/efficientnet_layout.h"

#include <stdexcept>
#include <iterator>

namespace singerprint {
namespace {

using Layout = std::vector<TensorLayout>;

void check_at_least_one(const char* argument, std::int64_t value) {
  if (value < 1) {
    throw std::invalid_argument(std::string("efficientnet_b0: ") + argument + " must be at least 1, got " +
                                std::to_string(value));
  }
}

void add_norm(Layout& layout, const std::string& prefix, std::int64_t channels) {
  layout.push_back({prefix + ".weight", {channels}, TensorKind::kNormWeight});
  layout.push_back({prefix + ".bias", {channels}, TensorKind::kBias});
  layout.push_back({prefix + ".running_mean", {channels}, TensorKind::kRunningMean});
  layout.push_back({prefix + ".running_var", {channels}, TensorKind::kRunningVar});
  layout.push_back({prefix + ".num_batches_tracked", {}, TensorKind::kNumBatchesTracked});
}

// A convolution without bias and its batch norm; group_channels = input channels that one filter sees.
void add_convolution(Layout& layout, const std::string& prefix, std::int64_t out_channels, std::int64_t group_channels,
                     std::int64_t kernel) {
  layout.push_back({prefix + ".0.weight", {out_channels, group_channels, kernel, kernel}, TensorKind::kConvolution});
  add_norm(layout, prefix + ".1", out_channels);
}

void add_squeeze_excitation(Layout& layout, const std::string& prefix, std::int64_t channels, std::int64_t squeezed) {
  layout.push_back({prefix + ".fc1.weight", {squeezed, channels, 1, 1}, TensorKind::kConvolution});
  layout.push_back({prefix + ".fc1.bias", {squeezed}, TensorKind::kBias});
  layout.push_back({prefix + ".fc2.weight", {channels, squeezed, 1, 1}, TensorKind::kConvolution});
  layout.push_back({prefix + ".fc2.bias", {channels}, TensorKind::kBias});
}

void add_block(Layout& layout, const std::string& prefix, const Block& block) {
  int part = 0;
  const auto next = [&] { return prefix + ".block." + std::to_string(part++); };
  if (block.expands()) add_convolution(layout, next(), block.expanded_channels, block.in_channels, 1);
  add_convolution(layout, next(), block.expanded_channels, 1, block.kernel);
  add_squeeze_excitation(layout, next(), block.expanded_channels, block.squeezed_channels);
  add_convolution(layout, next(), block.out_channels, block.expanded_channels, 1);
}

}  // namespace

const char* tensor_kind_name(TensorKind kind) {
  constexpr const char* kNames[] = {
      "convolution", "linear", "bias", "norm_weight", "running_mean", "running_var", "num_batches_tracked"};
  return kNames[static_cast<int>(kind)];
}

Layout efficientnet_b0_layout(std::int64_t in_channels, std::int64_t embedding_dim) {
  check_at_least_one("in_channels", in_channels);
  check_at_least_one("embedding_dim", embedding_dim);
  Layout layout;
  add_convolution(layout, "features.0", kStemChannels, in_channels, kStemKernel);
  int feature = 1;
  for (const Stage& stage : kEfficientNetB0Stages) {
    for (int layer = 0; layer < stage.layers; ++layer) {
      add_block(layout, "features." + std::to_string(feature) + "." + std::to_string(layer), block_of(stage, layer));
    }
    ++feature;
  }
  add_convolution(layout, "features." + std::to_string(feature), kHeadChannels,
                  std::end(kEfficientNetB0Stages)[-1].out_channels, 1);
  layout.push_back({"classifier.1.weight", {embedding_dim, kHeadChannels}, TensorKind::kLinear});
  layout.push_back({"classifier.1.bias", {embedding_dim}, TensorKind::kBias});
  return layout;
}

}  // namespace singerprint
