#include "losses/covariance.h"

#include <ATen/ops/zeros_like.h>

#include <tuple>

#include "core/precompiled.h"

namespace singerprint {
namespace {

using LossAndProduct = std::tuple<at::Tensor, at::Tensor>;

LossAndProduct covariance_meta(const at::Tensor& embeddings) {
  check_rows_that_vary("covariance", "embeddings", embeddings);
  const c10::SymInt size = product_size(embeddings);
  return {at::empty({}, embeddings.options()), at::empty_symint({size, size}, embeddings.options().dtype(at::kDouble))};
}

at::Tensor covariance_backward_meta(const at::Tensor& grad_loss, const at::Tensor& embeddings,
                                    const at::Tensor& product) {
  constexpr const char* kOp = "covariance_backward";
  check_rows_that_vary(kOp, "embeddings", embeddings);
  check_grad_loss(kOp, grad_loss, embeddings);
  check_product(kOp, "product", product, embeddings, {product_size(embeddings), product_size(embeddings)});
  return at::empty_symint(embeddings.sym_sizes(), embeddings.options());
}

// The CPU's and CUDA's kernels.
LossAndProduct covariance(const at::Tensor& embeddings) {
  const auto [loss, product] = covariance_meta(embeddings);
  const CentredColumns columns = centred_columns(embeddings);
  write_product(columns, product);
  loss.copy_(covariance_term(columns, product));
  return {loss, product};
}

at::Tensor covariance_backward(const at::Tensor& grad_loss, const at::Tensor& embeddings, const at::Tensor& product) {
  const at::Tensor result = covariance_backward_meta(grad_loss, embeddings, product);
  const CentredColumns columns = centred_columns(embeddings);
  const at::Tensor slopes = at::zeros_like(columns.variances);
  return result.copy_(gradient_with_covariance(columns, slopes, product, 1.0).mul_(grad_loss));
}

}  // namespace

// The derivative of covariance is registered in Python (singerprint/losses/covariance.py); second derivatives are
// refused.
TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("covariance(Tensor embeddings) -> (Tensor loss, Tensor product)");
  library.def("covariance_backward(Tensor grad_loss, Tensor embeddings, Tensor product) -> Tensor");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) {
  library.impl("covariance", &covariance_meta);
  library.impl("covariance_backward", &covariance_backward_meta);
}
TORCH_LIBRARY_IMPL(singerprint, CPU, library) {
  library.impl("covariance", &covariance);
  library.impl("covariance_backward", &covariance_backward);
}
TORCH_LIBRARY_IMPL(singerprint, CUDA, library) {
  library.impl("covariance", &covariance);
  library.impl("covariance_backward", &covariance_backward);
}
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("covariance_backward", torch::autograd::autogradNotImplementedFallback());
}

}  // namespace singerprint
