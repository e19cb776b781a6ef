// efficientnet: from spectrograms to embeddings, EfficientNet-B0 or -B4 (Tan and Le 2019,
// https://arxiv.org/abs/1905.11946).
//   features  = head(stages(stem(spectrograms)))  # (batch, head channels, ceil(mels / 32), ceil(frames / 32))
//   embedding = linear(pooled_scale * mean over mels and frames of features)
// where every convolution is followed by a batch norm and, but for the last one of a block, SiLU; and a block with a
// shortcut is input + residual_scale * branch(input). Each variant has two ops: `efficientnet_b0` gives the embeddings,
// `efficientnet_b0_features` the features.
//
// Functional ops over tensors that the caller owns, so that a Python nn.Module and a torch::nn::Module share them.
// Dropout and stochastic depth are the two scales, 0 or 1 / (1 - probability), which the caller draws: an op without
// them is the network that eval mode computes.
#pragma once
#include <ATen/core/Tensor.h>

#include <optional>

#include "nn/efficientnet_layout.h"

namespace singerprint {

// spectrograms: (batch, channels, mels, frames), any floating dtype, at least 1 x 1 (and more than one value a channel
// after the stride of 32 when training). parameters and running_statistics: the tensors of efficientnet_layout in its
// order, num_batches_tracked left out; on the device and, outside autocast, of the dtype of spectrograms. training:
// batch norm by the batch, and running_statistics are updated in place:
//   running = (1 - momentum) * running + momentum * batch
// eps is added to the variances. residual_scale: (blocks with a shortcut, batch), in the order of the blocks.
// pooled_scale: (batch, head channels). Both of any floating dtype; none is 1.
// Returns (batch, embedding_dim). Differentiable; safe to call from several threads unless they train the same
// running_statistics.
at::Tensor efficientnet(const EfficientNetVariant& variant, const at::Tensor& spectrograms, at::TensorList parameters,
                        at::TensorList running_statistics, bool training, double momentum, double eps,
                        const std::optional<at::Tensor>& residual_scale = {},
                        const std::optional<at::Tensor>& pooled_scale = {});

// The features, (batch, head channels, rows, columns); parameters: those of efficientnet_features_layout.
at::Tensor efficientnet_features(const EfficientNetVariant& variant, const at::Tensor& spectrograms,
                                 at::TensorList parameters, at::TensorList running_statistics, bool training,
                                 double momentum, double eps, const std::optional<at::Tensor>& residual_scale = {});

}  // namespace singerprint
