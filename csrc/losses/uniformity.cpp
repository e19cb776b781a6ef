#include "losses/uniformity.h"

#include <limits>
#include <tuple>

#include "core/cuda.h"
#include "core/precompiled.h"
#include "losses/embeddings.h"
#include "losses/pairwise_tensors.h"
#include "losses/unit_views.h"

namespace singerprint {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;

void check_arguments(const char* op, const at::Tensor& embeddings, double t) {
  check_embeddings(op, "embeddings", embeddings);
  check_two_rows(op, "embeddings", embeddings);
  // Beyond, 2 t makes the rounding of a cosine larger than any difference, or hides every cosine.
  TORCH_CHECK_VALUE(t >= 1e-6 && t <= 1e5, op, ": t must be between 1e-6 and 1e5, got ", t);
}

Pair uniformity_meta(const at::Tensor& embeddings, double t) {
  check_arguments("uniformity", embeddings, t);
  return {at::empty({}, embeddings.options()), at::empty({}, embeddings.options().dtype(at::kDouble))};
}

at::Tensor uniformity_backward_meta(const at::Tensor& grad_loss, const at::Tensor& embeddings,
                                    const at::Tensor& log_sum_exp, double t) {
  constexpr const char* kOp = "uniformity_backward";
  check_arguments(kOp, embeddings, t);
  check_grad_loss(kOp, grad_loss, embeddings);
  TORCH_CHECK_VALUE(log_sum_exp.dim() == 0, kOp, ": log_sum_exp must have shape (), got ", log_sum_exp.sym_sizes());
  check_dtype(kOp, "log_sum_exp", log_sum_exp, at::kDouble);
  check_same_device(kOp, "log_sum_exp", log_sum_exp, embeddings);
  return at::empty_symint(embeddings.sym_sizes(), embeddings.options());
}

template <class T>
Pair forward(const at::Tensor& embeddings, double t) {
  const Pair result = uniformity_meta(embeddings, t);
  const auto& [loss, log_sum_exp] = result;
  const PairwiseProblem problem = uniformity_problem(embeddings.size(0), embeddings.size(1), t);
  const at::Tensor z = unit_views<T>(embeddings.contiguous());
  const at::Tensor of_row = at::empty({problem.rows}, log_sum_exp.options());
  double* const row = of_row.mutable_data_ptr<double>();
  pairwise_log_sum_exp(z.const_data_ptr<T>(), problem, row);
  RunningSum<double> sum{std::numeric_limits<double>::lowest(), 0.0};
  for (std::int64_t i = 0; i < problem.rows; ++i) sum = merge(sum, one_term(row[i]), 1.0);
  const double all = log_of(sum, 1.0);
  *log_sum_exp.template mutable_data_ptr<double>() = all;
  *loss.template mutable_data_ptr<T>() = static_cast<T>(all - uniformity_offset(problem));
  return result;
}

// From the product to the gradient by z, without a look at the values: on CUDA it waits for nothing.
void scale(const at::Tensor& product, const at::Tensor& grad_loss, const PairwiseProblem& problem) {
  product.mul_(grad_loss.mul(problem.scale));
}

template <class T>
at::Tensor backward(const at::Tensor& grad_loss, const at::Tensor& embeddings, const at::Tensor& log_sum_exp,
                    double t) {
  const at::Tensor result = uniformity_backward_meta(grad_loss, embeddings, log_sum_exp, t);
  const PairwiseProblem problem = uniformity_problem(embeddings.size(0), embeddings.size(1), t);
  const at::Tensor view = embeddings.contiguous();
  const at::Tensor z = unit_views<T>(view);
  const at::Tensor normalizer = log_sum_exp.expand({problem.rows}).contiguous();
  const at::Tensor gradient = at::empty_like(z);
  pairwise_softmax_product(z.const_data_ptr<T>(), problem, normalizer.const_data_ptr<double>(),
                           gradient.mutable_data_ptr<T>());
  scale(gradient, grad_loss, problem);
  unit_views_backward<T>(view, gradient, result);
  return result;
}

Pair uniformity_cpu(const at::Tensor& embeddings, double t) {
  return in_dtype_of(embeddings, [&]<class T>() { return forward<T>(embeddings, t); });
}

at::Tensor uniformity_backward_cpu(const at::Tensor& grad_loss, const at::Tensor& embeddings,
                                   const at::Tensor& log_sum_exp, double t) {
  return in_dtype_of(embeddings, [&]<class T>() { return backward<T>(grad_loss, embeddings, log_sum_exp, t); });
}

template <class T>
Pair forward_cuda(const at::Tensor& embeddings, double t) {
  const Pair result = uniformity_meta(embeddings, t);
  const auto& [loss, log_sum_exp] = result;
  const c10::DeviceGuard guard(embeddings.device());
  void* const stream = current_stream(embeddings);
  const PairwiseProblem problem = uniformity_problem(embeddings.size(0), embeddings.size(1), t);
  const at::Tensor z = unit_views_cuda<T>("uniformity", embeddings.contiguous(), stream);
  const at::Tensor of_row = at::empty({problem.rows}, log_sum_exp.options());
  pairwise_log_sum_exp_cuda<T>("uniformity", z, problem, of_row, stream);
  check_launch("uniformity",
               launch_uniformity_loss(of_row.const_data_ptr<double>(), problem.rows, uniformity_offset(problem),
                                      log_sum_exp.template mutable_data_ptr<double>(),
                                      loss.template mutable_data_ptr<T>(), stream));
  return result;
}

template <class T>
at::Tensor backward_cuda(const at::Tensor& grad_loss, const at::Tensor& embeddings, const at::Tensor& log_sum_exp,
                         double t) {
  constexpr const char* kOp = "uniformity_backward";
  const at::Tensor result = uniformity_backward_meta(grad_loss, embeddings, log_sum_exp, t);
  const c10::DeviceGuard guard(embeddings.device());
  void* const stream = current_stream(embeddings);
  const PairwiseProblem problem = uniformity_problem(embeddings.size(0), embeddings.size(1), t);
  const at::Tensor view = embeddings.contiguous();
  const at::Tensor z = unit_views_cuda<T>(kOp, view, stream);
  const at::Tensor normalizer = log_sum_exp.expand({problem.rows}).contiguous();
  const at::Tensor gradient = at::empty_like(z);
  pairwise_softmax_product_cuda<T>(kOp, z, problem, normalizer, gradient, stream);
  scale(gradient, grad_loss, problem);
  unit_views_backward_cuda<T>(kOp, view, gradient, result, stream);
  return result;
}

[[maybe_unused]] Pair uniformity_cuda(const at::Tensor& embeddings, double t) {
  return in_dtype_of(embeddings, [&]<class T>() { return forward_cuda<T>(embeddings, t); });
}

[[maybe_unused]] at::Tensor uniformity_backward_cuda(const at::Tensor& grad_loss, const at::Tensor& embeddings,
                                                     const at::Tensor& log_sum_exp, double t) {
  return in_dtype_of(embeddings, [&]<class T>() { return backward_cuda<T>(grad_loss, embeddings, log_sum_exp, t); });
}

}  // namespace

// The derivative of uniformity is registered in Python (singerprint/losses/uniformity.py); second derivatives are
// refused.
TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("uniformity(Tensor embeddings, float t) -> (Tensor loss, Tensor log_sum_exp)");
  library.def(
      "uniformity_backward(Tensor grad_loss, Tensor embeddings, Tensor log_sum_exp, float t) "
      "-> Tensor grad_embeddings");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) {
  library.impl("uniformity", &uniformity_meta);
  library.impl("uniformity_backward", &uniformity_backward_meta);
}
TORCH_LIBRARY_IMPL(singerprint, CPU, library) {
  library.impl("uniformity", &uniformity_cpu);
  library.impl("uniformity_backward", &uniformity_backward_cpu);
}
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("uniformity_backward", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(uniformity)
SINGERPRINT_REGISTER_CUDA(uniformity_backward)

}  // namespace singerprint
