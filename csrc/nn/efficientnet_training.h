// The features of EfficientNets in training on a CPU in float32, through own kernels (nn/inverted_residual.h) instead
// of PyTorch's operators. Only what convolutions give is kept for the gradients, about a third of what autograd keeps.
#pragma once
#include <ATen/core/Tensor.h>

#include <optional>

#include "nn/efficientnet_layout.h"

namespace singerprint {

// Whether these kernels may take the place of PyTorch's operators: plain float32 tensors on the CPU, and nothing that
// wants to see operators (tracing, autocast, dispatch modes, function transforms, forward derivatives). residual_scale
// may have any floating dtype, but must want no gradient.
bool trains_natively(const at::Tensor& spectrograms, at::TensorList parameters, at::TensorList running_statistics,
                     const std::optional<at::Tensor>& residual_scale = {});

// efficientnet_features (nn/efficientnet.h) with training. Differentiable as often as asked for: derivatives of
// derivatives go through PyTorch's operators. The result is the same bits with any number of threads.
at::Tensor trained_features(const EfficientNetVariant& variant, const at::Tensor& spectrograms,
                            at::TensorList parameters, at::TensorList running_statistics, double momentum, double eps,
                            const std::optional<at::Tensor>& residual_scale = {});

}  // namespace singerprint
