#include "nn/folded_efficientnet.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "core/parts.h"

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
  template <class Weight>
  PackedFilters<Weight> convolution(std::int64_t channels, std::int64_t depth, bool is_depthwise = false) {
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
    return packed<Weight>(filters, channels, depth, is_depthwise, factor.data(), shift.data());
  }

  template <class Weight>
  PackedFilters<Weight> linear(std::int64_t channels, std::int64_t depth) {
    const float* const weight = *parameter_++;
    const float* const bias = *parameter_++;
    return packed<Weight>(weight, channels, depth, false, std::vector<double>(channels, 1.0).data(),
                          std::vector<double>(bias, bias + channels).data());
  }

 private:
  template <class Number>
  Number* taken(std::int64_t count) {
    auto* const begin = memory_ == nullptr ? nullptr : reinterpret_cast<Number*>(memory_ + floats_);
    floats_ += filled_up(count / kPaired<Number>, 16);  // the next one begins on a cache line too
    return begin;
  }

  template <class Weight>
  PackedFilters<Weight> packed(const float* weight, std::int64_t channels, std::int64_t depth, bool is_depthwise,
                               const double* factor, const double* shift) {
    const std::int64_t blocks = parts_of(channels, lanes_);
    constexpr std::int64_t kStep = kPaired<Weight>;
    const std::int64_t filled = filled_up(depth, kStep);
    PackedFilters<Weight> filters{filled, blocks, taken<Weight>(blocks * filled * lanes_),
                                  taken<float>(blocks * lanes_)};
    if (memory_ == nullptr) return filters;
    for (std::int64_t n = 0; n < channels; ++n) {
      const std::int64_t block = n / lanes_;
      const BlockRange range =
          is_depthwise ? BlockRange{block, 1} : block_range(std::min(block / 2, block_parts(blocks) - 1), blocks);
      Weight* const to = filters.weight + range.begin * filled * lanes_;
      const std::int64_t lane = (block - range.begin) * lanes_ + n % lanes_;
      for (std::int64_t k = 0; k < depth; ++k) {
        to[(k / kStep * range.count * lanes_ + lane) * kStep + k % kStep] =
            static_cast<Weight>(static_cast<float>(weight[n * depth + k] * factor[n]));
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

template <class Value>
void pack(FoldedEfficientNet<Value>& network, const EfficientNetVariant& variant, Packer& packer) {
  const auto stem = packer.convolution<Value>(variant.stem_channels, network.in_channels * kStemKernel * kStemKernel);
  for (const Stage& stage : variant.stages) {
    for (int layer = 0; layer < stage.layers; ++layer) {
      FoldedBlock<Value> block;
      block.shape = block_of(stage, layer);
      const std::int64_t in = block.shape.in_channels, expanded = block.shape.expanded_channels;
      if (network.blocks.empty()) block.expand = stem;
      if (block.shape.expands()) block.expand = packer.convolution<Value>(expanded, in);
      block.depthwise = packer.convolution<float>(expanded, block.shape.kernel * block.shape.kernel, true);
      block.squeeze = packer.linear<float>(block.shape.squeezed_channels, expanded);
      block.excite = packer.linear<float>(expanded, block.shape.squeezed_channels);
      block.project = packer.convolution<Value>(block.shape.out_channels, expanded);
      network.blocks.push_back(block);
    }
  }
  network.head = packer.convolution<Value>(network.head_channels, network.blocks.back().shape.out_channels);
  if (network.embedding_dim > 0)
    network.classifier = packer.linear<Value>(network.embedding_dim, network.head_channels);
}

template <class Value>
PixelKernels<Value> kernels_of();

template <>
PixelKernels<float> kernels_of() {
  return SINGERPRINT_LANES(pixel_kernels)();
}

template <>
PixelKernels<Bfloat16> kernels_of() {
#if defined(__x86_64__)
  if (multiplies_bfloat16()) return avx512_bf16::pixel_kernels();
#endif
  throw std::logic_error("fold_efficientnet: this machine multiplies no bfloat16");
}

template <class Value>
FoldedEfficientNet<Value> packed_network(const EfficientNetTensors& tensors, std::int64_t& floats,
                                         AlignedFloats memory) {
  FoldedEfficientNet<Value> network{
      kernels_of<Value>(), tensors.in_channels, tensors.variant.head_channels, tensors.embedding_dim, {}, {}, {},
      std::move(memory)};
  Packer packer(tensors, network.kernels.lanes, network.memory.data());
  pack(network, tensors.variant, packer);
  floats = packer.floats();
  return network;
}

}  // namespace

template <class Value>
FoldedEfficientNet<Value> fold_efficientnet(const EfficientNetTensors& tensors) {
  std::int64_t floats = 0;
  packed_network<Value>(tensors, floats, {});
  return packed_network<Value>(tensors, floats, AlignedFloats(floats));
}

template FoldedEfficientNet<float> fold_efficientnet(const EfficientNetTensors& tensors);
template FoldedEfficientNet<Bfloat16> fold_efficientnet(const EfficientNetTensors& tensors);

}  // namespace singerprint
