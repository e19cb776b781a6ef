#include "nn/efficientnet_layout.h"

#include <stdexcept>

namespace singerprint {
namespace {

using Layout = std::vector<TensorLayout>;

void check_at_least_one(const EfficientNetVariant& variant, const char* argument, std::int64_t value) {
  if (value < 1) {
    throw std::invalid_argument(std::string(variant.name) + ": " + argument + " must be at least 1, got " +
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

const EfficientNetVariant& efficientnet_variant_named(const std::string& name) {
  for (const EfficientNetVariant* variant : {&kEfficientNetB0, &kEfficientNetB4}) {
    if (name == variant->name) return *variant;
  }
  throw std::invalid_argument("efficientnet: variant must be efficientnet_b0 or efficientnet_b4, got " + name);
}

Layout efficientnet_features_layout(const EfficientNetVariant& variant, std::int64_t in_channels) {
  check_at_least_one(variant, "in_channels", in_channels);
  Layout layout;
  add_convolution(layout, "features.0", variant.stem_channels, in_channels, kStemKernel);
  int feature = 1;
  for (const Stage& stage : variant.stages) {
    for (int layer = 0; layer < stage.layers; ++layer) {
      add_block(layout, "features." + std::to_string(feature) + "." + std::to_string(layer), block_of(stage, layer));
    }
    ++feature;
  }
  add_convolution(layout, "features." + std::to_string(feature), variant.head_channels,
                  variant.stages.back().out_channels, 1);
  return layout;
}

Layout efficientnet_layout(const EfficientNetVariant& variant, std::int64_t in_channels, std::int64_t embedding_dim) {
  Layout layout = efficientnet_features_layout(variant, in_channels);
  check_at_least_one(variant, "embedding_dim", embedding_dim);
  layout.push_back({"classifier.1.weight", {embedding_dim, variant.head_channels}, TensorKind::kLinear});
  layout.push_back({"classifier.1.bias", {embedding_dim}, TensorKind::kBias});
  return layout;
}

}  // namespace singerprint
