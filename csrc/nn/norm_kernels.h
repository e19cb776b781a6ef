// norm_kernels: batch norm, SiLU and their gradients over one block of channels, on the CPU in float32.
//   z = (x - mean) * scale + bias,  y = silu(z) * gate,  silu(z) = z * sigmoid(z)
//   silu'(z) = s + z * s * (1 - s) with s = sigmoid(z)
// x, y and their gradients are (pixels, lanes) as in nn/pixel_kernels.h; mean, scale, bias and gate (lanes,). Nothing
// but x need be kept for the gradients: z, y and silu' are computed again, which costs less than memory.
//
// Sums are of one run of pixels, in float32 and in the order of pixels: callers hand over some hundred at once and add
// the runs up in double.
#pragma once
#include <cstdint>

#include "core/dispatch.h"

namespace singerprint {

struct NormLanes {
  const float* mean;
  const float* scale;
  const float* bias;
};

// dz = (dy * gate + offset) * silu'(z)
struct SiluGradient {
  const float* dy;
  const float* x;
  NormLanes norm;
  const float* gate;
  const float* offset;
  float* dz;    // may be dy
  float* sums;  // (2, lanes): sums of dz and of dz * (x - mean)
};

// dx = dz * scale + (x - mean) * slope + offset
struct NormGradientLanes {
  const float* mean;
  const float* scale;
  const float* slope;
  const float* offset;
};

struct NormKernels {
  int lanes;
  // mean of x, and deviation = sum of (x - mean)^2. pixels: at least one.
  void (*moments)(const float* x, std::int64_t pixels, float* mean, float* deviation);
  // to = z + residual (nullptr: none)
  void (*normalize)(const float* x, NormLanes norm, const float* residual, std::int64_t pixels, float* to);
  // to = y (gate nullptr: 1)
  void (*activate)(const float* x, NormLanes norm, const float* gate, std::int64_t pixels, float* to);
  // sum = sum of silu(z)
  void (*sum_activated)(const float* x, NormLanes norm, std::int64_t pixels, float* sum);
  void (*silu_gradient)(const SiluGradient& gradient, std::int64_t pixels);
  // sums, as of SiluGradient, of a given dz
  void (*gradient_sums)(const float* dz, const float* x, const float* mean, std::int64_t pixels, float* sums);
  // dx may be dz
  void (*norm_gradient)(const float* dz, const float* x, NormGradientLanes norm, std::int64_t pixels, float* dx);
};

SINGERPRINT_DECLARE_LANES(NormKernels, norm_kernels, ())

}  // namespace singerprint
