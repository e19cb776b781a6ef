// convolution_gradients: what training needs of convolutions beyond nn/pixel_kernels.h, on the CPU in float32.
//   depthwise:         out[y, x * step] = sum_ij in[y * stride + i, x * stride + j] * weight[i, j]
//   depthwise_weights: dweight[i, j]    = sum_yx in[y * stride + i, x * stride + j] * dout[y, x]
//   outer_products:    tile[r, l]      += sum_p rows[p, r] * columns[p, l], the gradient of a product's weights
// lanes are channels, as in nn/pixel_kernels.h. The gradient of a depthwise convolution's input is a depthwise
// convolution of dout with the turned weights; of one with a stride of 2 it is four, one for the even and odd rows and
// columns each, which is what `step` is for.
#pragma once
#include <cstdint>

#include "core/dispatch.h"

namespace singerprint {

// One block of channels; `in` lies within a border that makes every index valid.
struct DepthwisePlane {
  const float* in;
  std::int64_t in_row;  // floats from a row to the next one
  float* out;
  std::int64_t out_row;
  std::int64_t out_step;  // pixels from a column to the next one
  std::int64_t rows;      // of out
  std::int64_t columns;
};

struct DepthwiseGradientPlanes {
  const float* in;
  std::int64_t in_row;
  const float* dout;
  std::int64_t dout_row;
  std::int64_t rows;  // of dout
  std::int64_t columns;
};

struct GradientKernels {
  int lanes;
  // weight: (tap_rows, tap_columns, lanes). tap_columns: 1, 2, 3 or 5; stride: 1 or 2.
  void (*depthwise)(const DepthwisePlane& plane, const float* weight, int tap_rows, int tap_columns, int stride);
  // dweight: (kernel, kernel, lanes), kernel 3 or 5; stride: 1 or 2.
  void (*depthwise_weights)(const DepthwiseGradientPlanes& planes, int kernel, int stride, float* dweight);
  // rows, columns: (pixels, lanes). tile: (lanes, lanes), added to.
  void (*outer_products)(const float* rows, const float* columns, std::int64_t pixels, float* tile);
  // Of `count` products' weights and what outer_products gave for their inputs before the gate:
  //   dgate[l] = sum_n weight[n, l] * products[n, l],  dweight[n, l] += products[n, l] * gate[l]
  void (*gate_gradient)(const float* weight, const float* products, const float* gate, std::int64_t count,
                        float* dweight, float* dgate);
};

SINGERPRINT_DECLARE_LANES(GradientKernels, gradient_kernels, ())

}  // namespace singerprint
