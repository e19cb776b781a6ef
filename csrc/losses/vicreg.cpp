#include "losses/vicreg.h"

#include <tuple>

#include "core/precompiled.h"

namespace singerprint {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;

void check_arguments(const char* op, const at::Tensor& first, const at::Tensor& second, const VicregOptions& options) {
  check_embedding_pair(op, "first", first, "second", second);
  check_rows_that_vary(op, "first", first);
  check_weight(op, "invariance_weight", options.invariance_weight);
  check_weight(op, "variance_weight", options.variance_weight);
  check_weight(op, "covariance_weight", options.covariance_weight);
  check_positive(op, "gamma", options.gamma);
  check_positive(op, "eps", options.eps);
}

Pair vicreg_meta(const at::Tensor& first, const at::Tensor& second, double invariance_weight, double variance_weight,
                 double covariance_weight, double gamma, double eps) {
  check_arguments("vicreg", first, second, {invariance_weight, variance_weight, covariance_weight, gamma, eps});
  const c10::SymInt size = product_size(first);
  return {at::empty({}, first.options()), at::empty_symint({2, size, size}, first.options().dtype(at::kDouble))};
}

Pair vicreg_backward_meta(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
                          const at::Tensor& products, double invariance_weight, double variance_weight,
                          double covariance_weight, double gamma, double eps) {
  constexpr const char* kOp = "vicreg_backward";
  check_arguments(kOp, first, second, {invariance_weight, variance_weight, covariance_weight, gamma, eps});
  check_grad_loss(kOp, grad_loss, first);
  check_product(kOp, "products", products, first, {2, product_size(first), product_size(first)});
  return {at::empty_symint(first.sym_sizes(), first.options()), at::empty_symint(first.sym_sizes(), first.options())};
}

// The CPU's and CUDA's kernels.
Pair vicreg(const at::Tensor& first, const at::Tensor& second, double invariance_weight, double variance_weight,
            double covariance_weight, double gamma, double eps) {
  const auto [loss, products] =
      vicreg_meta(first, second, invariance_weight, variance_weight, covariance_weight, gamma, eps);
  at::Tensor sum = invariance_term(first, second).mul_(invariance_weight);
  for (const int view : {0, 1}) {
    const CentredColumns columns = centred_columns(view == 0 ? first : second);
    const at::Tensor product = products.select(0, view);
    write_product(columns, product);
    sum.add_(variance_term(columns, gamma, eps), variance_weight / 2.0);
    sum.add_(covariance_term(columns, product), covariance_weight);
  }
  loss.copy_(sum);
  return {loss, products};
}

Pair vicreg_backward(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
                     const at::Tensor& products, double invariance_weight, double variance_weight,
                     double covariance_weight, double gamma, double eps) {
  const Pair result = vicreg_backward_meta(grad_loss, first, second, products, invariance_weight, variance_weight,
                                           covariance_weight, gamma, eps);
  const at::Tensor together = invariance_gradient(first, second);
  for (const int view : {0, 1}) {
    const CentredColumns columns = centred_columns(view == 0 ? first : second);
    const at::Tensor slopes = variance_slopes(columns, gamma, eps).mul_(variance_weight / 2.0);
    at::Tensor gradient = gradient_with_covariance(columns, slopes, products.select(0, view), covariance_weight);
    gradient.add_(together, view == 0 ? invariance_weight : -invariance_weight).mul_(grad_loss);
    (view == 0 ? std::get<0>(result) : std::get<1>(result)).copy_(gradient);
  }
  return result;
}

}  // namespace

// The derivative of vicreg is registered in Python (singerprint/losses/vicreg.py); second derivatives are refused.
TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def(
      "vicreg(Tensor first, Tensor second, float invariance_weight, float variance_weight, float covariance_weight, "
      "float gamma, float eps) -> (Tensor loss, Tensor products)");
  library.def(
      "vicreg_backward(Tensor grad_loss, Tensor first, Tensor second, Tensor products, float invariance_weight, "
      "float variance_weight, float covariance_weight, float gamma, float eps) "
      "-> (Tensor grad_first, Tensor grad_second)");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) {
  library.impl("vicreg", &vicreg_meta);
  library.impl("vicreg_backward", &vicreg_backward_meta);
}
TORCH_LIBRARY_IMPL(singerprint, CPU, library) {
  library.impl("vicreg", &vicreg);
  library.impl("vicreg_backward", &vicreg_backward);
}
TORCH_LIBRARY_IMPL(singerprint, CUDA, library) {
  library.impl("vicreg", &vicreg);
  library.impl("vicreg_backward", &vicreg_backward);
}
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("vicreg_backward", torch::autograd::autogradNotImplementedFallback());
}

}  // namespace singerprint
