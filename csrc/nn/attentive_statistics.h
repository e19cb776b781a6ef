// attentive_statistics: mean and standard deviation over frames, weighted (Okabe et al. 2018, "Attentive statistics
// pooling for deep speaker embedding", https://arxiv.org/abs/1803.10963, equations 3 to 6).
//   weight[t] = softmax(scores)[t]
//   mean      = sum over t of weight[t] * frames[t]
//   deviation = sqrt(max(eps, sum over t of weight[t] * (frames[t] - mean)^2))
// The variance is a sum of squares, not a difference of two large numbers: never negative. Its root's gradient is at
// most sqrt(weight[t]) above eps and 0 below, so equal frames give no NaN.
//
// Made of PyTorch's operators: 1280 x 11 numbers a clip, far below a hundredth of the network's work.
#pragma once
#include <ATen/core/Tensor.h>

namespace singerprint {

// frames: (batch, dim, frames), at least one frame; scores: (batch, frames); both floating. eps > 0.
// Returns (batch, 2 * dim) of the dtype of frames: the means, then the deviations. Differentiable.
at::Tensor attentive_statistics(const at::Tensor& frames, const at::Tensor& scores, double eps);

}  // namespace singerprint
