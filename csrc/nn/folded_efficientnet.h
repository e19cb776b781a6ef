// FoldedEfficientNet: the weights of an EfficientNet with its batch norms folded in, as the CPU's kernels want them.
//   filters' = filters * weight / sqrt(running_var + eps), bias' = bias - running_mean * weight / sqrt(running_var +
//   eps)
// in double, then rounded. nn/folded_clip.h computes with them. Value: what the factors of the large products are
// stored as (nn/pixel_kernels.h); depthwise filters and squeeze-and-excitation, a tenth of the arithmetic, are float.
#pragma once
#include <cstdint>
#include <vector>

#include "dsp/aligned_floats.h"
#include "nn/efficientnet_layout.h"
#include "nn/pixel_kernels.h"

namespace singerprint {

// Contiguous tensors in the order of efficientnet_layout; without the linear layer embedding_dim is 0.
struct EfficientNetTensors {
  const EfficientNetVariant& variant;
  std::int64_t in_channels;
  std::int64_t embedding_dim;
  double eps;
  std::vector<const float*> parameters;
  std::vector<const float*> running_statistics;
};

// Products are computed a part at a time: two blocks of channels, a single last one with the two before it.
struct BlockRange {
  std::int64_t begin;
  std::int64_t count;
};

constexpr std::int64_t block_parts(std::int64_t blocks) { return blocks < 2 ? 1 : blocks / 2; }

constexpr BlockRange block_range(std::int64_t part, std::int64_t blocks) {
  const std::int64_t begin = 2 * part;
  return {begin, part + 1 == block_parts(blocks) ? blocks - begin : 2};
}

// A matrix of weights, packed for the kernels, and its bias.
template <class Weight>
struct PackedFilters {
  std::int64_t depth;   // weights of one channel, filled up with zeros to whole kPaired
  std::int64_t blocks;  // of channels, the last one filled up with zeros
  Weight* weight;       // part after part of (depth / kPaired, blocks of it, lanes, kPaired);
                        // depthwise: (blocks, depth, lanes)
  float* bias;          // (blocks, lanes)
};

template <class Value>
struct FoldedBlock {
  Block shape;
  PackedFilters<Value> expand{};  // of the first block: the stem; of others that do not expand: nothing
  PackedFilters<float> depthwise;
  PackedFilters<float> squeeze;
  PackedFilters<float> excite;
  PackedFilters<Value> project;
};

template <class Value>
struct FoldedEfficientNet {
  PixelKernels<Value> kernels;
  std::int64_t in_channels;
  std::int64_t head_channels;  // whole blocks
  std::int64_t embedding_dim;
  std::vector<FoldedBlock<Value>> blocks;
  PackedFilters<Value> head;
  PackedFilters<Value> classifier;  // where embedding_dim > 0
  AlignedFloats memory;             // of all filters, in the order in which they are used
};

// Copies what it needs of the tensors. Value: float, or Bfloat16 where multiplies_bfloat16().
template <class Value>
FoldedEfficientNet<Value> fold_efficientnet(const EfficientNetTensors& tensors);

}  // namespace singerprint
