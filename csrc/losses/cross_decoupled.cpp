#include "losses/cross_decoupled.h"

#include "losses/cross_contrastive_tensors.h"
#include "losses/embeddings.h"

namespace singerprint {
namespace {

constexpr const char* kOp = "cross_decoupled";
constexpr const char* kBackwardOp = "cross_decoupled_backward";

void check_arguments(const char* op, const at::Tensor& first, const at::Tensor& second, double temperature) {
  check_embedding_pair(op, "first", first, "second", second);
  check_two_rows(op, "first", first);
  check_temperature(op, temperature);
}

TensorPair cross_decoupled_meta(const at::Tensor& first, const at::Tensor& second, double temperature) {
  check_arguments(kOp, first, second, temperature);
  return empty_result(first, first.sym_size(0));
}

TensorPair cross_decoupled_backward_meta(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
                                         const at::Tensor& log_sum_exp, double temperature) {
  check_arguments(kBackwardOp, first, second, temperature);
  check_grad_loss(kBackwardOp, grad_loss, first);
  check_per_clip(kBackwardOp, "log_sum_exp", log_sum_exp, at::kDouble, first);
  return {at::empty_symint(first.sym_sizes(), first.options()), at::empty_symint(first.sym_sizes(), first.options())};
}

TensorPair cross_decoupled_cpu(const at::Tensor& first, const at::Tensor& second, double temperature) {
  TensorPair result = cross_decoupled_meta(first, second, temperature);
  cross_loss<Decoupled>(first, second, cross_decoupled_problem(first.size(0), first.size(1), temperature), 0.0, result);
  return result;
}

TensorPair cross_decoupled_backward_cpu(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
                                        const at::Tensor& log_sum_exp, double temperature) {
  TensorPair result = cross_decoupled_backward_meta(grad_loss, first, second, log_sum_exp, temperature);
  const CrossProblem problem = cross_decoupled_problem(first.size(0), first.size(1), temperature);
  cross_gradients<Decoupled>(grad_loss, first, second, log_sum_exp, problem, 0.0, result);
  return result;
}

[[maybe_unused]] TensorPair cross_decoupled_cuda(const at::Tensor& first, const at::Tensor& second,
                                                 double temperature) {
  TensorPair result = cross_decoupled_meta(first, second, temperature);
  const CrossProblem problem = cross_decoupled_problem(first.size(0), first.size(1), temperature);
  cross_loss_cuda<Decoupled>(kOp, first, second, problem, 0.0, result);
  return result;
}

[[maybe_unused]] TensorPair cross_decoupled_backward_cuda(const at::Tensor& grad_loss, const at::Tensor& first,
                                                          const at::Tensor& second, const at::Tensor& log_sum_exp,
                                                          double temperature) {
  TensorPair result = cross_decoupled_backward_meta(grad_loss, first, second, log_sum_exp, temperature);
  const CrossProblem problem = cross_decoupled_problem(first.size(0), first.size(1), temperature);
  cross_gradients_cuda<Decoupled>(kBackwardOp, grad_loss, first, second, log_sum_exp, problem, 0.0, result);
  return result;
}

}  // namespace

// The derivative of cross_decoupled is registered in Python (singerprint/losses/cross_decoupled.py); second derivatives
// are refused.
TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("cross_decoupled(Tensor first, Tensor second, float temperature) -> (Tensor loss, Tensor log_sum_exp)");
  library.def(
      "cross_decoupled_backward(Tensor grad_loss, Tensor first, Tensor second, Tensor log_sum_exp, float temperature) "
      "-> (Tensor grad_first, Tensor grad_second)");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) {
  library.impl("cross_decoupled", &cross_decoupled_meta);
  library.impl("cross_decoupled_backward", &cross_decoupled_backward_meta);
}
TORCH_LIBRARY_IMPL(singerprint, CPU, library) {
  library.impl("cross_decoupled", &cross_decoupled_cpu);
  library.impl("cross_decoupled_backward", &cross_decoupled_backward_cpu);
}
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("cross_decoupled_backward", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(cross_decoupled)
SINGERPRINT_REGISTER_CUDA(cross_decoupled_backward)

}  // namespace singerprint
