// pixel_kernels: what a convolutional network with fixed weights is made of, on the CPU in float32.
//   product:   out[p, n] = activation( bias[n] + sum_k in[p, k] * weight[k, n] ) + residual[p, n]
//   depthwise: out[y, x, n] = silu( bias[n] + sum_ij in[y * stride + i, x * stride + j, n] * weight[i, j, n] )
//   silu(x) = x * sigmoid(x), sigmoid(x) = 1 / (1 + exp(-x))
//
// Activations lie as (blocks, pixels, lanes): a block is as many channels as a register holds, side by side. So every
// load is a register, a pixel's neighbours are a register away, and a convolution that works channel by channel reads
// one small plane after the other. Weights are packed alike, those of the blocks that a product computes at once beside
// each other: one stream through memory. The lanes behind the last channel are zeros in weights and biases.
//
// The sum over k or (i, j) begins with the bias and runs upwards, whatever the tile: a pixel's bits do not depend on
// its neighbours.
#pragma once
#include <cstdint>

#include "core/dispatch.h"

namespace singerprint {

// Blocks that one pass over the input of a product serves.
inline constexpr int kMostBlocks = 3;

enum class Activation { kNone, kSilu, kSigmoid };

struct PixelProduct {
  const float* in;         // (input blocks, pixels, lanes)
  std::int64_t in_block;   // floats from a block to the next one
  std::int64_t depth;      // input channels
  const float* weight;     // (depth, blocks, lanes)
  const float* bias;       // (blocks, lanes)
  const float* residual;   // as out, or nullptr
  float* out;              // (blocks, pixels, lanes)
  std::int64_t out_block;  // floats from a block to the next one, also of residual
  Activation activation;
};

// One block of channels.
struct DepthwiseRows {
  const float* in;  // (rows, in_columns, lanes), with the border around the picture
  std::int64_t in_columns;
  const float* weight;  // (kernel * kernel, lanes)
  const float* bias;    // (lanes,)
  float* out;           // (rows, columns, lanes)
  std::int64_t columns;
  float* sum;  // (lanes,): the outputs are added to it
};

struct PixelKernels {
  int lanes;
  // blocks: 1 to kMostBlocks.
  void (*product)(const PixelProduct& product, std::int64_t blocks, std::int64_t pixels);
  // kernel 3 or 5, stride 1 or 2. rows: of the output.
  void (*depthwise)(const DepthwiseRows& plane, int kernel, int stride, std::int64_t rows);
  // plane[p, l] *= gate[l]: one block of activations.
  void (*gate_pixels)(float* plane, const float* gate, std::int64_t pixels);
  // to[k, b, l] = weight[k, b, l] * gate[k]: the weights that those activations are multiplied by.
  void (*gate_weights)(const float* weight, const float* gate, std::int64_t depth, std::int64_t blocks, float* to);
  // to[b, l] = factor * sum over pixels of from[b, p, l]
  void (*sum_pixels)(const float* from, std::int64_t blocks, std::int64_t pixels, float factor, float* to);
};

SINGERPRINT_DECLARE_LANES(PixelKernels, pixel_kernels, ())

}  // namespace singerprint
