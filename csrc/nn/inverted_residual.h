// inverted_residual: a block of EfficientNet (Tan and Le 2019, https://arxiv.org/abs/1905.11946) in training, on the
// CPU in float32.
//   expanded  = conv1x1(in)                       y1 = silu(norm1(expanded)), or in where the block does not expand
//   filtered  = depthwise(y1)                     y2 = silu(norm2(filtered))
//   gate      = sigmoid(excite(silu(squeeze(mean over pixels of y2))))
//   projected = conv1x1(y2 * gate)                out = norm3(projected), or
//                                                 in + residual_scale * norm3(projected) where there is a shortcut
// What the convolutions give is kept, and computed anew from it is what PyTorch keeps as well: y1, y2, y2 * gate and
// what the norms give. One block of channels goes through expansion and depthwise convolution, and back, at a time.
#pragma once
#include <cstdint>

#include "nn/efficientnet_layout.h"
#include "nn/trained_convolution.h"
#include "nn/training_planes.h"

namespace singerprint {

struct DenseTensors {
  const float* weight;
  const float* bias;
};

struct InvertedResidualTensors {
  ConvolutionTensors expand;  // of a block that expands
  ConvolutionTensors depthwise;
  DenseTensors squeeze;
  DenseTensors excite;
  ConvolutionTensors project;
  const float* residual_scale;  // (clips,), of a block with a shortcut; nullptr: 1
};

struct DenseGradients {
  float* weight;
  float* bias;
};

struct InvertedResidualGradients {
  ConvolutionGradients expand;
  ConvolutionGradients depthwise;
  DenseGradients squeeze;
  DenseGradients excite;
  ConvolutionGradients project;
};

struct InvertedResidualShape {
  Block block;
  std::int64_t clips;
  Picture in;

  Picture out() const { return in.strided(block.stride); }
  std::int64_t in_floats() const;
  std::int64_t out_floats() const;
  std::int64_t expanded_floats() const;
  std::int64_t filtered_floats() const;
  std::int64_t small_floats() const;
};

// What the forward pass keeps: expanded (nothing where the block does not expand), filtered, projected, and all that
// has no pixels.
struct InvertedResidualState {
  float* expanded;
  float* filtered;
  float* projected;
  float* small;
};

// in and out: (blocks, clips, pixels, lanes).
void inverted_residual(const InvertedResidualShape& shape, const InvertedResidualTensors& tensors, const float* in,
                       const Team& team, const InvertedResidualState& state, float* out);

// memory: expanded_floats, of any content. din: in_floats.
void inverted_residual_gradient(const InvertedResidualShape& shape, const InvertedResidualTensors& tensors,
                                const float* in, const InvertedResidualState& state, const float* dout,
                                const Team& team, float* memory, const InvertedResidualGradients& gradients,
                                float* din);

}  // namespace singerprint
