#include "nn/pixel_kernels.h"

#include <type_traits>

#include "core/lane.h"
#include "core/parts.h"
#include "nn/lane_factor.h"
#include "nn/lane_sigmoid.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

// A tile of a product: kPixels x kBlocks sums in registers, besides one of the weights a block and one input.
// AVX-512 has 32 registers, the others 16. The index is the number of blocks.
#if defined(__AVX512F__)
constexpr int kTilePixels[] = {0, 14, 12, 8};
#else
constexpr int kTilePixels[] = {0, 8, 6, 4};
#endif
// The weights of the last layers come from far: each is used for some thirty pixels, and there are 20 MB of them. The
// processor's own prefetching stops at every page.
constexpr std::int64_t kPrefetchBytes = 4096;
constexpr int kTileColumns = 8;  // of a depthwise convolution: with more, the registers do not hide more

#if defined(__AVX512BF16__)
using Value = Bfloat16;
SINGERPRINT_LANE_INLINE Lane silu_of_values(Lane x) { return rough_silu(x); }
#else
using Value = float;
SINGERPRINT_LANE_INLINE Lane silu_of_values(Lane x) { return silu(x); }
#endif

// kRough: as exact as Values are.
template <bool kRough>
SINGERPRINT_LANE_INLINE Lane activate(Lane x, Activation activation) {
  if (activation == Activation::kSilu) return kRough ? silu_of_values(x) : silu(x);
  return activation == Activation::kSigmoid ? sigmoid(x) : x;
}

template <class In, class Out, int kBlocks, int kPixels>
void product_tile(const PixelProduct<In, Out>& product, const In* in, Out* out, const Out* residual) {
  Lane sum[kPixels][kBlocks];
#pragma GCC unroll 3
  for (int b = 0; b < kBlocks; ++b) {
    const Lane bias = Lane::load(product.bias + b * kLanes);
#pragma GCC unroll 14
    for (int p = 0; p < kPixels; ++p) sum[p][b] = bias;
  }
  constexpr int kWeights = kLanes * kPaired<In>;  // of one block
  const In* weight = product.weight;
  for (std::int64_t left = product.depth; left > 0; left -= kLanes, in += product.in_block) {
    const std::int64_t channels = left < kLanes ? left : kLanes;
    for (std::int64_t k = 0; k < channels; k += kPaired<In>, weight += kBlocks * kWeights) {
      Factor<In> of_block[kBlocks];
#pragma GCC unroll 3
      for (int b = 0; b < kBlocks; ++b) {
        of_block[b] = Factor<In>::load(weight + b * kWeights);
        __builtin_prefetch(weight + kPrefetchBytes / sizeof(In) + b * kWeights);
      }
#pragma GCC unroll 14
      for (int p = 0; p < kPixels; ++p) {
        const auto value = Factor<In>::broadcast(in + p * kLanes + k);
#pragma GCC unroll 3
        for (int b = 0; b < kBlocks; ++b) sum[p][b] = multiply_add(value, of_block[b], sum[p][b]);
      }
    }
  }
#pragma GCC unroll 3
  for (int b = 0; b < kBlocks; ++b) {
#pragma GCC unroll 14
    for (int p = 0; p < kPixels; ++p) {
      Lane result = activate<std::is_same_v<In, Value>>(sum[p][b], product.activation);
      const std::int64_t at = b * product.out_block + p * kLanes;
      if (residual != nullptr) result += loaded(residual + at);
      store(result, out + at);
    }
  }
}

template <class In, class Out>
using ProductTile = void(const PixelProduct<In, Out>&, const In*, Out*, const Out*);

template <class In, class Out, int kBlocks, int kPixels>
constexpr ProductTile<In, Out>* product_tile_if_it_fits() {
  if constexpr (kPixels <= kTilePixels[kBlocks]) {
    return &product_tile<In, Out, kBlocks, kPixels>;
  } else {
    return nullptr;
  }
}

#define SINGERPRINT_TILES(blocks)                     \
  {                                                   \
      nullptr,                                        \
      product_tile_if_it_fits<In, Out, blocks, 1>(),  \
      product_tile_if_it_fits<In, Out, blocks, 2>(),  \
      product_tile_if_it_fits<In, Out, blocks, 3>(),  \
      product_tile_if_it_fits<In, Out, blocks, 4>(),  \
      product_tile_if_it_fits<In, Out, blocks, 5>(),  \
      product_tile_if_it_fits<In, Out, blocks, 6>(),  \
      product_tile_if_it_fits<In, Out, blocks, 7>(),  \
      product_tile_if_it_fits<In, Out, blocks, 8>(),  \
      product_tile_if_it_fits<In, Out, blocks, 9>(),  \
      product_tile_if_it_fits<In, Out, blocks, 10>(), \
      product_tile_if_it_fits<In, Out, blocks, 11>(), \
      product_tile_if_it_fits<In, Out, blocks, 12>(), \
      product_tile_if_it_fits<In, Out, blocks, 13>(), \
      product_tile_if_it_fits<In, Out, blocks, 14>(), \
  }
template <class In, class Out>
constexpr ProductTile<In, Out>* kProductTiles[kMostBlocks + 1][15] = {
    {}, SINGERPRINT_TILES(1), SINGERPRINT_TILES(2), SINGERPRINT_TILES(3)};
#undef SINGERPRINT_TILES

// Tiles as equal as can be: 33 pixels are 11 + 11 + 11, not 12 + 12 + 9.
template <class In, class Out>
void product(const PixelProduct<In, Out>& product, std::int64_t blocks, std::int64_t pixels) {
  std::int64_t tiles = parts_of(pixels, kTilePixels[blocks]);
  for (std::int64_t pixel = 0; tiles > 0; --tiles) {
    const std::int64_t size = parts_of(pixels - pixel, tiles);
    const std::int64_t at = pixel * kLanes;
    kProductTiles<In, Out>[blocks][size](product, product.in + at, product.out + at,
                                         product.residual == nullptr ? nullptr : product.residual + at);
    pixel += size;
  }
}

template <int kKernel, int kStride, int kColumns>
void depthwise_tile(const DepthwiseRows<Value>& plane, const float* in, Value* out, Lane& total) {
  Lane sum[kColumns];
  const Lane bias = Lane::load(plane.bias);
#pragma GCC unroll 8
  for (int x = 0; x < kColumns; ++x) sum[x] = bias;
  for (int i = 0; i < kKernel; ++i) {
#pragma GCC unroll 5
    for (int j = 0; j < kKernel; ++j) {
      const Lane weight = Lane::load(plane.weight + (i * kKernel + j) * kLanes);
#pragma GCC unroll 8
      for (int x = 0; x < kColumns; ++x) {
        sum[x] = multiply_add(Lane::load(in + (x * kStride + j) * kLanes), weight, sum[x]);
      }
    }
    in += plane.in_columns * kLanes;
  }
#pragma GCC unroll 8
  for (int x = 0; x < kColumns; ++x) {
    const Lane result = silu_of_values(sum[x]);
    store(result, out + x * kLanes);
    total += result;
  }
}

template <int kKernel, int kStride>
void depthwise_plane(const DepthwiseRows<Value>& plane, std::int64_t rows) {
  using Tile = void(const DepthwiseRows<Value>&, const float*, Value*, Lane&);
  constexpr Tile* kTiles[] = {nullptr,
                              &depthwise_tile<kKernel, kStride, 1>,
                              &depthwise_tile<kKernel, kStride, 2>,
                              &depthwise_tile<kKernel, kStride, 3>,
                              &depthwise_tile<kKernel, kStride, 4>,
                              &depthwise_tile<kKernel, kStride, 5>,
                              &depthwise_tile<kKernel, kStride, 6>,
                              &depthwise_tile<kKernel, kStride, 7>,
                              &depthwise_tile<kKernel, kStride, 8>};
  Lane of_plane = Lane::load(plane.sum);
  for (std::int64_t y = 0; y < rows; ++y) {
    const float* const in = plane.in + y * kStride * plane.in_columns * kLanes;
    Value* const out = plane.out + y * plane.columns * kLanes;
    Lane of_row = 0.0f;  // sums of sums: a single one of thousands of values would round more
    std::int64_t tiles = parts_of(plane.columns, kTileColumns);
    for (std::int64_t x = 0; tiles > 0; --tiles) {
      const std::int64_t size = parts_of(plane.columns - x, tiles);
      kTiles[size](plane, in + x * kStride * kLanes, out + x * kLanes, of_row);
      x += size;
    }
    of_plane += of_row;
  }
  of_plane.store(plane.sum);
}

void depthwise(const DepthwiseRows<Value>& plane, int kernel, int stride, std::int64_t rows) {
  if (kernel == 3) {
    stride == 1 ? depthwise_plane<3, 1>(plane, rows) : depthwise_plane<3, 2>(plane, rows);
  } else {
    stride == 1 ? depthwise_plane<5, 1>(plane, rows) : depthwise_plane<5, 2>(plane, rows);
  }
}

void gate_pixels(Value* plane, const float* gate, std::int64_t pixels) {
  const Lane factor = Lane::load(gate);
  for (Value* at = plane; at < plane + pixels * kLanes; at += kLanes) store(loaded(at) * factor, at);
}

void gate_weights(const Value* weight, const float* gate, std::int64_t depth, std::int64_t blocks, Value* to) {
  constexpr int kWeights = kLanes * kPaired<Value>;
  for (std::int64_t k = 0; k < depth; k += kPaired<Value>) {
    for (const Value* const end = weight + blocks * kWeights; weight < end; weight += kWeights, to += kWeights) {
      Factor<Value>::load(weight).gated(gate + k).store(to);
    }
  }
}

void sum_pixels(const float* from, std::int64_t blocks, std::int64_t pixels, float factor, float* to) {
  for (std::int64_t b = 0; b < blocks; ++b, from += pixels * kLanes) {
    Lane sum = 0.0f;
    for (std::int64_t p = 0; p < pixels; ++p) sum += Lane::load(from + p * kLanes);
    (sum * factor).store(to + b * kLanes);
  }
}

}  // namespace

PixelKernels<Value> pixel_kernels() {
  return {kLanes,     &product<Value, Value>, &product<Value, float>, &product<float, float>,
          &depthwise, &gate_pixels,           &gate_weights,          &sum_pixels};
}

}  // namespace singerprint::SINGERPRINT_ISA
