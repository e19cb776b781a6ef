#include "nn/convolution_gradients.h"

#include "core/lane.h"
#include "core/parts.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

constexpr int kTileColumns = 8;  // of a depthwise convolution: with more, the registers do not hide more
// One sum over more pixels would round more.
constexpr std::int64_t kSummedPixels = 512;

template <int kTaps, int kStride, int kColumns>
void depthwise_tile(const DepthwisePlane& plane, const float* weight, int tap_rows, const float* in, float* out) {
  Lane sum[kColumns];
#pragma GCC unroll 8
  for (int x = 0; x < kColumns; ++x) sum[x] = 0.0f;
  for (int i = 0; i < tap_rows; ++i) {
#pragma GCC unroll 5
    for (int j = 0; j < kTaps; ++j) {
      const Lane tap = Lane::load(weight + (i * kTaps + j) * kLanes);
#pragma GCC unroll 8
      for (int x = 0; x < kColumns; ++x) {
        sum[x] = multiply_add(Lane::load(in + (x * kStride + j) * kLanes), tap, sum[x]);
      }
    }
    in += plane.in_row;
  }
#pragma GCC unroll 8
  for (int x = 0; x < kColumns; ++x) sum[x].store(out + x * plane.out_step * kLanes);
}

template <int kTaps, int kStride>
void depthwise_rows(const DepthwisePlane& plane, const float* weight, int tap_rows) {
  using Tile = void(const DepthwisePlane&, const float*, int, const float*, float*);
  constexpr Tile* kTiles[] = {nullptr,
                              &depthwise_tile<kTaps, kStride, 1>,
                              &depthwise_tile<kTaps, kStride, 2>,
                              &depthwise_tile<kTaps, kStride, 3>,
                              &depthwise_tile<kTaps, kStride, 4>,
                              &depthwise_tile<kTaps, kStride, 5>,
                              &depthwise_tile<kTaps, kStride, 6>,
                              &depthwise_tile<kTaps, kStride, 7>,
                              &depthwise_tile<kTaps, kStride, 8>};
  for (std::int64_t y = 0; y < plane.rows; ++y) {
    const float* const in = plane.in + y * kStride * plane.in_row;
    float* const out = plane.out + y * plane.out_row;
    std::int64_t tiles = parts_of(plane.columns, kTileColumns);
    for (std::int64_t x = 0; tiles > 0; --tiles) {
      const std::int64_t size = parts_of(plane.columns - x, tiles);
      kTiles[size](plane, weight, tap_rows, in + x * kStride * kLanes, out + x * plane.out_step * kLanes);
      x += size;
    }
  }
}

void depthwise(const DepthwisePlane& plane, const float* weight, int tap_rows, int tap_columns, int stride) {
  using Rows = void(const DepthwisePlane&, const float*, int);
  constexpr Rows* kRows[2][6] = {
      {nullptr, &depthwise_rows<1, 1>, &depthwise_rows<2, 1>, &depthwise_rows<3, 1>, nullptr, &depthwise_rows<5, 1>},
      {nullptr, &depthwise_rows<1, 2>, &depthwise_rows<2, 2>, &depthwise_rows<3, 2>, nullptr, &depthwise_rows<5, 2>}};
  kRows[stride - 1][tap_columns](plane, weight, tap_rows);
}

// Two rows of taps at once: ten sums at most, so that those of an AVX2 machine stay in its registers too.
template <int kKernel, int kTapRows, int kStride>
SINGERPRINT_LANE_INLINE void weights_of_row(const DepthwiseGradientPlanes& planes, const float* in, const float* dout,
                                            float* dweight) {
  Lane sum[kTapRows][kKernel];
#pragma GCC unroll 2
  for (int i = 0; i < kTapRows; ++i) {
#pragma GCC unroll 5
    for (int j = 0; j < kKernel; ++j) sum[i][j] = 0.0f;
  }
  for (std::int64_t x = 0; x < planes.columns; ++x) {
    const Lane gradient = Lane::load(dout + x * kLanes);
#pragma GCC unroll 2
    for (int i = 0; i < kTapRows; ++i) {
#pragma GCC unroll 5
      for (int j = 0; j < kKernel; ++j) {
        const Lane value = Lane::load(in + i * planes.in_row + (x * kStride + j) * kLanes);
        sum[i][j] = multiply_add(value, gradient, sum[i][j]);
      }
    }
  }
#pragma GCC unroll 2
  for (int i = 0; i < kTapRows; ++i) {
#pragma GCC unroll 5
    for (int j = 0; j < kKernel; ++j) {
      float* const to = dweight + (i * kKernel + j) * kLanes;
      (Lane::load(to) + sum[i][j]).store(to);
    }
  }
}

template <int kKernel, int kStride>
void weights_of_plane(const DepthwiseGradientPlanes& planes, float* dweight) {
  for (int tap = 0; tap < kKernel * kKernel; ++tap) Lane(0.0f).store(dweight + tap * kLanes);
  for (std::int64_t y = 0; y < planes.rows; ++y) {
    const float* const dout = planes.dout + y * planes.dout_row;
    const float* in = planes.in + y * kStride * planes.in_row;
    float* to = dweight;
    for (int i = 0; i + 2 <= kKernel; i += 2) {
      weights_of_row<kKernel, 2, kStride>(planes, in, dout, to);
      in += 2 * planes.in_row;
      to += 2 * kKernel * kLanes;
    }
    weights_of_row<kKernel, 1, kStride>(planes, in, dout, to);
  }
}

void depthwise_weights(const DepthwiseGradientPlanes& planes, int kernel, int stride, float* dweight) {
  if (kernel == 3) {
    stride == 1 ? weights_of_plane<3, 1>(planes, dweight) : weights_of_plane<3, 2>(planes, dweight);
  } else {
    stride == 1 ? weights_of_plane<5, 1>(planes, dweight) : weights_of_plane<5, 2>(planes, dweight);
  }
}

void outer_products(const float* rows, const float* columns, std::int64_t pixels, float* tile) {
  while (pixels > 0) {
    const std::int64_t summed = pixels < kSummedPixels ? pixels : kSummedPixels;
    Lane sum[kLanes];
#pragma GCC unroll 16
    for (int r = 0; r < kLanes; ++r) sum[r] = 0.0f;
    for (std::int64_t p = 0; p < summed; ++p, rows += kLanes, columns += kLanes) {
      const Lane column = Lane::load(columns);
#pragma GCC unroll 16
      for (int r = 0; r < kLanes; ++r) sum[r] = multiply_add(Lane(rows[r]), column, sum[r]);
    }
#pragma GCC unroll 16
    for (int r = 0; r < kLanes; ++r) (Lane::load(tile + r * kLanes) + sum[r]).store(tile + r * kLanes);
    pixels -= summed;
  }
}

void gate_gradient(const float* weight, const float* products, const float* gate, std::int64_t count, float* dweight,
                   float* dgate) {
  const Lane factor = Lane::load(gate);
  Lane sum = 0.0f;
  for (std::int64_t at = 0; at < count * kLanes; at += kLanes) {
    const Lane product = Lane::load(products + at);
    sum = multiply_add(Lane::load(weight + at), product, sum);
    multiply_add(product, factor, Lane::load(dweight + at)).store(dweight + at);
  }
  sum.store(dgate);
}

}  // namespace

GradientKernels gradient_kernels() { return {kLanes, &depthwise, &depthwise_weights, &outer_products, &gate_gradient}; }

}  // namespace singerprint::SINGERPRINT_ISA
