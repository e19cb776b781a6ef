#include "nn/folded_efficientnet.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace singerprint {
namespace {

// Walks through the tensors in the order of the layout, which is the order of computation.
class Packer {
 public:
  // memory: of zeros, or nullptr to learn how much is needed.
  Packer(const EfficientNetTensors& tensors, int lanes, float* memory)
      : parameter_(tensors.parameters.begin()),
        statistic_(tensors.running_statistics.begin()),
        eps_(tensors.eps),
        lanes_(lanes),
        memory_(memory) {}

  std::int64_t floats() const { return floats_; }

  // A convolution and its batch norm; depth: weights of one filter.
  PackedFilters convolution(std::int64_t channels, std::int64_t depth, bool is_depthwise = false) {
    const float* const filters = *parameter_++;
    const float* const weight = *parameter_++;
    const float* const bias = *parameter_++;
    const float* const mean = *statistic_++;
    const float* const variance = *statistic_++;
    std::vector<double> factor(channels), shift(channels);
    for (std::int64_t n = 0; n < channels; ++n) {
      factor[n] = weight[n] / std::sqrt(variance[n] + eps_);
      shift[n] = bias[n] - mean[n] * factor[n];
    }
    return packed(filters, channels, depth, is_depthwise, factor.data(), shift.data());
  }

  PackedFilters linear(std::int64_t channels, std::int64_t depth) {
    const float* const weight = *parameter_++;
    const float* const bias = *parameter_++;
    return packed(weight, channels, depth, false, std::vector<double>(channels, 1.0).data(),
                  std::vector<double>(bias, bias + channels).data());
  }

 private:
  float* taken(std::int64_t floats) {
    float* const begin = memory_ == nullptr ? nullptr : memory_ + floats_;
    floats_ += (floats + 15) / 16 * 16;  // the next one begins on a cache line too
    return begin;
  }

  PackedFilters packed(const float* weight, std::int64_t channels, std::int64_t depth, bool is_depthwise,
                       const double* factor, const double* shift) {
    const std::int64_t blocks = (channels + lanes_ - 1) / lanes_;
    PackedFilters filters{depth, blocks, taken(blocks * depth * lanes_), taken(blocks * lanes_)};
    if (memory_ == nullptr) return filters;
    for (std::int64_t n = 0; n < channels; ++n) {
      const std::int64_t block = n / lanes_;
      const BlockRange range =
          is_depthwise ? BlockRange{block, 1} : block_range(std::min(block / 2, block_parts(blocks) - 1), blocks);
      float* const to = filters.weight + (range.begin * depth + block - range.begin) * lanes_ + n % lanes_;
      for (std::int64_t k = 0; k < depth; ++k) {
        to[k * range.count * lanes_] = static_cast<float>(weight[n * depth + k] * factor[n]);
      }
      filters.bias[n] = static_cast<float>(shift[n]);
    }
    return filters;
  }

  std::vector<const float*>::const_iterator parameter_;
  std::vector<const float*>::const_iterator statistic_;
  double eps_;
  int lanes_;
  float* memory_;
  std::int64_t floats_ = 0;  // of it that are taken
};

void pack(FoldedEfficientNet& network, const EfficientNetVariant& variant, Packer& packer) {
  PackedFilters stem = packer.convolution(variant.stem_channels, network.in_channels * kStemKernel * kStemKernel);
  for (const Stage& stage : variant.stages) {
    for (int layer = 0; layer < stage.layers; ++layer) {
      FoldedBlock block;
      block.shape = block_of(stage, layer);
      const std::int64_t in = block.shape.in_channels, expanded = block.shape.expanded_channels;
      if (network.blocks.empty()) block.expand = stem;
      if (block.shape.expands()) block.expand = packer.convolution(expanded, in);
      block.depthwise = packer.convolution(expanded, block.shape.kernel * block.shape.kernel, true);
      block.squeeze = packer.linear(block.shape.squeezed_channels, expanded);
      block.excite = packer.linear(expanded, block.shape.squeezed_channels);
      block.project = packer.convolution(block.shape.out_channels, expanded);
      network.blocks.push_back(block);
    }
  }
  network.head = packer.convolution(network.head_channels, network.blocks.back().shape.out_channels);
  if (network.embedding_dim > 0) network.classifier = packer.linear(network.embedding_dim, network.head_channels);
}

FoldedEfficientNet packed_network(const EfficientNetTensors& tensors, std::int64_t& floats, AlignedFloats memory) {
  FoldedEfficientNet network{SINGERPRINT_LANES(pixel_kernels)(),
                             tensors.in_channels,
                             tensors.variant.head_channels,
                             tensors.embedding_dim,
                             {},
                             {},
                             {},
                             std::move(memory)};
  Packer packer(tensors, network.kernels.lanes, network.memory.data());
  pack(network, tensors.variant, packer);
  floats = packer.floats();
  return network;
}

}  // namespace

FoldedEfficientNet fold_efficientnet(const EfficientNetTensors& tensors) {
  std::int64_t floats = 0;
  packed_network(tensors, floats, {});
  return packed_network(tensors, floats, AlignedFloats(floats));
}

}  // namespace singerprint
