// The features of efficientnet_b0 in training on a CPU in float32, through own kernels (nn/inverted_residual.h) instead
// of PyTorch's operators. Only what convolutions give is kept for the gradients, about a third of what autograd keeps.
#pragma once
#include <ATen/core/Tensor.h>

namespace singerprint {

// Whether these kernels may take the place of PyTorch's operators: plain float32 tensors on the CPU, and nothing that
// wants to see operators (tracing, autocast, dispatch modes, function transforms, forward derivatives).
bool trains_natively(const at::Tensor& spectrograms, at::TensorList parameters, at::TensorList running_statistics);

// As efficientnet_b0 (nn/efficientnet.h) with training, up to its features, (batch, 1280, ceil(mels / 32),
// ceil(frames / 32)); parameters without those of the linear layer. Differentiable as often as asked for: derivatives
// of derivatives go through PyTorch's operators. The result is the same bits with any number of threads.
at::Tensor trained_features(const at::Tensor& spectrograms, at::TensorList parameters,
                            at::TensorList running_statistics, double momentum, double eps);

}  // namespace singerprint
