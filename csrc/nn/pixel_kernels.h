// pixel_kernels: what a convolutional network with fixed weights is made of, on the CPU.
//   product:   out[p, n] = activation( bias[n] + sum_k in[p, k] * weight[k, n] ) + residual[p, n]
//   depthwise: out[y, x, n] = silu( bias[n] + sum_ij in[y * stride + i, x * stride + j, n] * weight[i, j, n] )
//   silu(x) = x * sigmoid(x), sigmoid(x) = 1 / (1 + exp(-x))
//
// Value is what the factors of products, most of a network's numbers, are stored as: float, or Bfloat16, which makes a
// product half the work (two channels to a multiplication) and half the bytes. Sums, biases, activations, gates and
// depthwise convolutions are float32 with either; an output is rounded once.
//
// Activations lie as (blocks, pixels, lanes): a block is as many channels as a register holds floats, side by side. So
// every load is a register or half of one, a pixel's neighbours are beside it, and a convolution that works channel by
// channel reads one small plane after the other. Weights are packed alike, those of the blocks that a product computes
// at once beside each other: one stream through memory. The lanes behind the last channel are zeros in weights and
// biases.
//
// The sum over k or (i, j) begins with the bias and runs upwards, whatever the tile: a pixel's bits do not depend on
// its neighbours.
#pragma once
#include <cstdint>

#include "core/bfloat16.h"
#include "core/dispatch.h"

namespace singerprint {

// Blocks that one pass over the input of a product serves.
inline constexpr int kMostBlocks = 3;

// Channels that one multiplication takes of a pixel, side by side in 32 bits: the depth of a product is a multiple.
template <class Value>
inline constexpr int kPaired = static_cast<int>(sizeof(float) / sizeof(Value));

enum class Activation { kNone, kSilu, kSigmoid };

template <class In, class Out>
struct PixelProduct {
  const In* in;            // (input blocks, pixels, lanes)
  std::int64_t in_block;   // values from a block to the next one
  std::int64_t depth;      // input channels
  const In* weight;        // (depth / kPaired, blocks, lanes, kPaired)
  const float* bias;       // (blocks, lanes)
  const Out* residual;     // as out, or nullptr
  Out* out;                // (blocks, pixels, lanes)
  std::int64_t out_block;  // values from a block to the next one, also of residual
  Activation activation;
};

// One block of channels.
template <class Out>
struct DepthwiseRows {
  const float* in;  // (rows, in_columns, lanes), with the border around the picture
  std::int64_t in_columns;
  const float* weight;  // (kernel * kernel, lanes)
  const float* bias;    // (lanes,)
  Out* out;             // (rows, columns, lanes)
  std::int64_t columns;
  float* sum;  // (lanes,): the outputs are added to it
};

template <class Value>
struct PixelKernels {
  int lanes;
  // blocks: 1 to kMostBlocks.
  void (*product)(const PixelProduct<Value, Value>& product, std::int64_t blocks, std::int64_t pixels);
  void (*product_to_float)(const PixelProduct<Value, float>& product, std::int64_t blocks, std::int64_t pixels);
  void (*float_product)(const PixelProduct<float, float>& product, std::int64_t blocks, std::int64_t pixels);
  // kernel 3 or 5, stride 1 or 2. rows: of the output.
  void (*depthwise)(const DepthwiseRows<Value>& plane, int kernel, int stride, std::int64_t rows);
  // plane[p, l] *= gate[l]: one block of activations.
  void (*gate_pixels)(Value* plane, const float* gate, std::int64_t pixels);
  // to[k, b, l] = weight[k, b, l] * gate[k]: the weights that those activations are multiplied by.
  void (*gate_weights)(const Value* weight, const float* gate, std::int64_t depth, std::int64_t blocks, Value* to);
  // to[b, l] = factor * sum over pixels of from[b, p, l]
  void (*sum_pixels)(const float* from, std::int64_t blocks, std::int64_t pixels, float factor, float* to);
};

SINGERPRINT_DECLARE_LANES(PixelKernels<float>, pixel_kernels, ())
#if defined(__x86_64__)
namespace avx512_bf16 {
PixelKernels<Bfloat16> pixel_kernels();
}
#endif

}  // namespace singerprint
