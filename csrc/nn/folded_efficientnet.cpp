#include "nn/folded_efficientnet.h"

#include <cmath>
#include <utility>

namespace singerprint {
namespace {

// Walks through the tensors in the order of the layout, which is the order of computation.
class Packer {
 public:
  Packer(const EfficientNetTensors& tensors, int lanes)
      : parameter_(tensors.parameters.begin()),
        statistic_(tensors.running_statistics.begin()),
        eps_(tensors.eps),
        lanes_(lanes) {}

  // A convolution and its batch norm; depth: weights of one filter.
  PackedFilters convolution(std::int64_t channels, std::int64_t depth) {
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
    return packed(filters, channels, depth, factor.data(), shift.data());
  }

  PackedFilters linear(std::int64_t channels, std::int64_t depth) {
    const float* const weight = *parameter_++;
    const float* const bias = *parameter_++;
    return packed(weight, channels, depth, std::vector<double>(channels, 1.0).data(),
                  std::vector<double>(bias, bias + channels).data());
  }

 private:
  PackedFilters packed(const float* weight, std::int64_t channels, std::int64_t depth, const double* factor,
                       const double* shift) const {
    const std::int64_t blocks = (channels + lanes_ - 1) / lanes_;
    PackedFilters filters{depth, blocks, AlignedFloats(blocks * depth * lanes_), AlignedFloats(blocks * lanes_)};
    for (std::int64_t n = 0; n < channels; ++n) {
      float* const to = filters.weight.data() + n / lanes_ * depth * lanes_ + n % lanes_;
      for (std::int64_t k = 0; k < depth; ++k) to[k * lanes_] = static_cast<float>(weight[n * depth + k] * factor[n]);
      filters.bias.data()[n] = static_cast<float>(shift[n]);
    }
    return filters;
  }

  std::vector<const float*>::const_iterator parameter_;
  std::vector<const float*>::const_iterator statistic_;
  double eps_;
  int lanes_;
};

}  // namespace

FoldedEfficientNet fold_efficientnet(const EfficientNetTensors& tensors) {
  FoldedEfficientNet network{
      SINGERPRINT_LANES(pixel_kernels)(), tensors.in_channels, tensors.embedding_dim, {}, {}, {}};
  Packer packer(tensors, network.kernels.lanes);
  PackedFilters stem = packer.convolution(kStemChannels, tensors.in_channels * kStemKernel * kStemKernel);
  for (const Stage& stage : kEfficientNetB0Stages) {
    for (int layer = 0; layer < stage.layers; ++layer) {
      FoldedBlock block;
      block.shape = block_of(stage, layer);
      const std::int64_t in = block.shape.in_channels, expanded = block.shape.expanded_channels;
      block.expand = network.blocks.empty() ? std::move(stem) : packer.convolution(expanded, in);
      block.depthwise = packer.convolution(expanded, block.shape.kernel * block.shape.kernel);
      block.squeeze = packer.linear(block.shape.squeezed_channels, expanded);
      block.excite = packer.linear(expanded, block.shape.squeezed_channels);
      block.project = packer.convolution(block.shape.out_channels, expanded);
      network.blocks.push_back(std::move(block));
    }
  }
  network.head = packer.convolution(kHeadChannels, network.blocks.back().shape.out_channels);
  network.classifier = packer.linear(tensors.embedding_dim, kHeadChannels);
  return network;
}

}  // namespace singerprint
