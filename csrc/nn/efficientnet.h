// efficientnet_b0: from spectrograms to embeddings, EfficientNet-B0 (Tan and Le 2019,
// https://arxiv.org/abs/1905.11946).
//   features  = head(stages(stem(spectrograms)))            # (batch, 1280, ceil(mels / 32), ceil(frames / 32))
//   embedding = linear(mean over mels and frames of features)
// where every convolution is followed by a batch norm and, but for the last one of a block, SiLU.
//
// One functional op over tensors that the caller owns, so that a Python nn.Module and a torch::nn::Module share it.
// Dropout and stochastic depth are not part of it: this is the network that both their absence and eval mode compute.
#pragma once
#include <ATen/core/Tensor.h>

namespace singerprint {

// spectrograms: (batch, channels, mels, frames), any floating dtype, at least 1 x 1 (and more than one value a channel
// after the stride of 32 when training). parameters and running_statistics: the tensors of efficientnet_b0_layout in
// its order, num_batches_tracked left out; on the device and, outside autocast, of the dtype of spectrograms. training:
// batch norm by the batch, and running_statistics are updated in place:
//   running = (1 - momentum) * running + momentum * batch
// eps is added to the variances. Returns (batch, embedding_dim). Differentiable; safe to call from several threads
// unless they train the same running_statistics.
at::Tensor efficientnet_b0(const at::Tensor& spectrograms, at::TensorList parameters, at::TensorList running_statistics,
                           bool training, double momentum, double eps);

// The features, (batch, 1280, ceil(mels / 32), ceil(frames / 32)), by PyTorch's operators and unchecked. parameters may
// lack those of the linear layer; in training running_statistics may be none, and nothing is updated then.
at::Tensor efficientnet_b0_features(const at::Tensor& spectrograms, at::TensorList parameters,
                                    at::TensorList running_statistics, bool training, double momentum, double eps);

}  // namespace singerprint
