#include "losses/am_softmax.h"

#include "losses/cross_contrastive_tensors.h"
#include "losses/embeddings.h"

namespace singerprint {
namespace {

constexpr const char* kOp = "am_softmax";
constexpr const char* kBackwardOp = "am_softmax_backward";

void check_arguments(const char* op, const at::Tensor& embeddings, const at::Tensor& weights, const at::Tensor& singers,
                     double scale, double margin) {
  check_embeddings(op, "embeddings", embeddings);
  TORCH_CHECK_VALUE(weights.dim() == 2 && weights.sym_size(0) >= 1 && weights.sym_size(1) == embeddings.sym_size(1), op,
                    ": weights must have shape (singers, dim) with at least one row and dim = ", embeddings.sym_size(1),
                    ", got ", weights.sym_sizes());
  check_dtype(op, "weights", weights, embeddings.scalar_type());
  check_same_device(op, "weights", weights, embeddings);
  check_per_clip(op, "singers", singers, at::kLong, embeddings);
  // The bounds of a temperature, turned over.
  TORCH_CHECK_VALUE(scale >= 1e-6 && scale <= 1e6, op, ": scale must be between 1e-6 and 1e6, got ", scale);
  TORCH_CHECK_VALUE(margin >= 0.0 && margin <= 2.0, op, ": margin must be between 0 and 2, got ", margin);
}

TensorPair am_softmax_meta(const at::Tensor& embeddings, const at::Tensor& weights, const at::Tensor& singers,
                           double scale, double margin) {
  check_arguments(kOp, embeddings, weights, singers, scale, margin);
  return empty_result(embeddings, embeddings.sym_size(0));
}

TensorPair am_softmax_backward_meta(const at::Tensor& grad_loss, const at::Tensor& embeddings,
                                    const at::Tensor& weights, const at::Tensor& singers, const at::Tensor& log_sum_exp,
                                    double scale, double margin) {
  check_arguments(kBackwardOp, embeddings, weights, singers, scale, margin);
  check_grad_loss(kBackwardOp, grad_loss, embeddings);
  check_per_clip(kBackwardOp, "log_sum_exp", log_sum_exp, at::kDouble, embeddings);
  return {at::empty_symint(embeddings.sym_sizes(), embeddings.options()),
          at::empty_symint(weights.sym_sizes(), weights.options())};
}

// singers: contiguous, and kept by the caller.
CrossProblem problem_of(const at::Tensor& embeddings, const at::Tensor& weights, const at::Tensor& singers,
                        double scale) {
  return {embeddings.size(0), weights.size(0), embeddings.size(1), scale, singers.const_data_ptr<std::int64_t>()};
}

// Values on the CPU; elsewhere to look at them would wait for the device.
CrossProblem checked_problem_of(const char* op, const at::Tensor& embeddings, const at::Tensor& weights,
                                const at::Tensor& singers, double scale) {
  const CrossProblem problem = problem_of(embeddings, weights, singers, scale);
  for (std::int64_t i = 0; i < problem.rows; ++i) {
    TORCH_CHECK_VALUE(has_target(i, problem), op, ": singers must be in [0, ", problem.columns, "), got ",
                      target_of(i, problem));
  }
  return problem;
}

TensorPair am_softmax_cpu(const at::Tensor& embeddings, const at::Tensor& weights, const at::Tensor& singers,
                          double scale, double margin) {
  TensorPair result = am_softmax_meta(embeddings, weights, singers, scale, margin);
  const at::Tensor target = singers.contiguous();
  cross_loss<NtXent>(embeddings, weights, checked_problem_of(kOp, embeddings, weights, target, scale), margin, result);
  return result;
}

TensorPair am_softmax_backward_cpu(const at::Tensor& grad_loss, const at::Tensor& embeddings, const at::Tensor& weights,
                                   const at::Tensor& singers, const at::Tensor& log_sum_exp, double scale,
                                   double margin) {
  TensorPair result = am_softmax_backward_meta(grad_loss, embeddings, weights, singers, log_sum_exp, scale, margin);
  const at::Tensor target = singers.contiguous();
  const CrossProblem problem = checked_problem_of(kBackwardOp, embeddings, weights, target, scale);
  cross_gradients<NtXent>(grad_loss, embeddings, weights, log_sum_exp, problem, margin, result);
  return result;
}

[[maybe_unused]] TensorPair am_softmax_cuda(const at::Tensor& embeddings, const at::Tensor& weights,
                                            const at::Tensor& singers, double scale, double margin) {
  TensorPair result = am_softmax_meta(embeddings, weights, singers, scale, margin);
  const at::Tensor target = singers.contiguous();
  cross_loss_cuda<NtXent>(kOp, embeddings, weights, problem_of(embeddings, weights, target, scale), margin, result);
  return result;
}

[[maybe_unused]] TensorPair am_softmax_backward_cuda(const at::Tensor& grad_loss, const at::Tensor& embeddings,
                                                     const at::Tensor& weights, const at::Tensor& singers,
                                                     const at::Tensor& log_sum_exp, double scale, double margin) {
  TensorPair result = am_softmax_backward_meta(grad_loss, embeddings, weights, singers, log_sum_exp, scale, margin);
  const at::Tensor target = singers.contiguous();
  const CrossProblem problem = problem_of(embeddings, weights, target, scale);
  cross_gradients_cuda<NtXent>(kBackwardOp, grad_loss, embeddings, weights, log_sum_exp, problem, margin, result);
  return result;
}

}  // namespace

// The derivative of am_softmax is registered in Python (singerprint/losses/am_softmax.py); second derivatives are
// refused.
TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def(
      "am_softmax(Tensor embeddings, Tensor weights, Tensor singers, float scale, float margin) -> (Tensor loss, "
      "Tensor log_sum_exp)");
  library.def(
      "am_softmax_backward(Tensor grad_loss, Tensor embeddings, Tensor weights, Tensor singers, Tensor log_sum_exp, "
      "float scale, float margin) -> (Tensor grad_embeddings, Tensor grad_weights)");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) {
  library.impl("am_softmax", &am_softmax_meta);
  library.impl("am_softmax_backward", &am_softmax_backward_meta);
}
TORCH_LIBRARY_IMPL(singerprint, CPU, library) {
  library.impl("am_softmax", &am_softmax_cpu);
  library.impl("am_softmax_backward", &am_softmax_backward_cpu);
}
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("am_softmax_backward", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(am_softmax)
SINGERPRINT_REGISTER_CUDA(am_softmax_backward)

}  // namespace singerprint
