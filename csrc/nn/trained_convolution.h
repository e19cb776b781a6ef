// trained_convolution: a 1 x 1 convolution without bias, its batch norm, and their gradients, a block of output
// channels or a run of pixels at a time.
//   x[p, n] = sum_k in[p, k] * filters[n, k]
//   dfilters[n, k] = sum_p dx[p, n] * in[p, k],  din[p, k] = sum_n dx[p, n] * filters[n, k]
// The stem is one too: of the 3 x 3 neighbourhoods of the spectrogram.
#pragma once
#include <cstdint>

#include "nn/channel_norm.h"
#include "nn/training_planes.h"

namespace singerprint {

struct ConvolutionTensors {
  const float* filters;  // (norm.channels, depth)
  BatchNorm norm;
};

struct ConvolutionGradients {
  float* filters;
  float* weight;
  float* bias;
};

// Pixels whose inputs, of so many blocks, stay in the second-level cache while all outputs are computed.
std::int64_t cached_pixels(std::int64_t blocks);

// x of one block, and its norm fitted.
void convolve_block(const Planes<const float>& in, std::int64_t depth, const ConvolutionTensors& tensors,
                    std::int64_t block, const Workers& clip_workers, const Planes<float>& x, const FittedNorm& fitted);

// From dz to dx in place, of one block, and the gradients of its norm and filters.
void differentiate_block(const Planes<float>& dz, const Planes<const float>& x, const FittedNorm& fitted,
                         const ClipGradients& sums, const Planes<const float>& in, std::int64_t depth,
                         std::int64_t channels, std::int64_t block, const ConvolutionGradients& gradients);

// din of all blocks; residual: added to it, or nullptr.
void differentiate_input(const Planes<float>& dx, const float* filters, std::int64_t depth, std::int64_t channels,
                         const float* residual, const Team& team, const Planes<float>& din);

// x (kept), its norm (kept) and y = silu of it.
void activated_convolution(const Planes<const float>& in, std::int64_t depth, const ConvolutionTensors& tensors,
                           const Team& team, const Planes<float>& x, const FittedNorm& fitted, const Planes<float>& y);

// From dy to dx in place, and the gradients of the tensors.
void activated_convolution_gradient(const Planes<float>& dy, const Planes<const float>& x, const FittedNorm& fitted,
                                    const Planes<const float>& in, std::int64_t depth, std::int64_t channels,
                                    const Team& team, const ConvolutionGradients& gradients);

}  // namespace singerprint
