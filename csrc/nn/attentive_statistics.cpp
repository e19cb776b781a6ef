#include "nn/attentive_statistics.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/softmax.h>

#include "core/check.h"
#include "core/precompiled.h"

namespace singerprint {
namespace {

constexpr const char* kOp = "attentive_statistics";

void check_arguments(const at::Tensor& frames, const at::Tensor& scores, double eps) {
  TORCH_CHECK_VALUE(frames.dim() == 3, kOp, ": frames must have shape (batch, dim, frames), got ", frames.sym_sizes());
  TORCH_CHECK_VALUE(frames.sym_size(2) > 0, kOp, ": frames must hold at least one frame, got ", frames.sym_sizes());
  TORCH_CHECK_VALUE(
      scores.dim() == 2 && scores.sym_size(0) == frames.sym_size(0) && scores.sym_size(1) == frames.sym_size(2), kOp,
      ": scores must have shape [", frames.sym_size(0), ", ", frames.sym_size(2), "], got ", scores.sym_sizes());
  TORCH_CHECK_TYPE(frames.is_floating_point(), kOp, ": frames must have a floating point dtype, got ",
                   frames.scalar_type());
  TORCH_CHECK_TYPE(scores.is_floating_point(), kOp, ": scores must have a floating point dtype, got ",
                   scores.scalar_type());
  check_same_device(kOp, "scores", scores, frames);
  TORCH_CHECK_VALUE(eps > 0, kOp, ": eps must be positive, got ", eps);
}

}  // namespace

at::Tensor attentive_statistics(const at::Tensor& frames, const at::Tensor& scores, double eps) {
  check_arguments(frames, scores, eps);
  const at::ScalarType wide_dtype = c10::promoteTypes(frames.scalar_type(), at::kFloat);
  const at::Tensor wide = frames.to(wide_dtype);
  const at::Tensor weights = at::softmax(scores.to(wide_dtype), 1).unsqueeze(1);  // (batch, 1, frames)
  const at::Tensor mean = (wide * weights).sum(2);
  const at::Tensor variance = ((wide - mean.unsqueeze(2)).square() * weights).sum(2);
  return at::cat({mean, variance.clamp_min(eps).sqrt()}, 1).to(frames.scalar_type());
}

// One function for every device and for autograd.
TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("attentive_statistics(Tensor frames, Tensor scores, float eps) -> Tensor", &attentive_statistics);
}

}  // namespace singerprint
