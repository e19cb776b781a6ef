#include "losses/variance.h"

#include "core/precompiled.h"

namespace singerprint {
namespace {

at::Tensor variance_meta(const at::Tensor& embeddings, double gamma, double eps) {
  check_rows_that_vary("variance", "embeddings", embeddings);
  check_positive("variance", "gamma", gamma);
  check_positive("variance", "eps", eps);
  return at::empty({}, embeddings.options());
}

at::Tensor variance_backward_meta(const at::Tensor& grad_loss, const at::Tensor& embeddings, double gamma, double eps) {
  check_rows_that_vary("variance_backward", "embeddings", embeddings);
  check_positive("variance_backward", "gamma", gamma);
  check_positive("variance_backward", "eps", eps);
  check_grad_loss("variance_backward", grad_loss, embeddings);
  return at::empty_symint(embeddings.sym_sizes(), embeddings.options());
}

// The CPU's and CUDA's kernels.
at::Tensor variance(const at::Tensor& embeddings, double gamma, double eps) {
  return variance_meta(embeddings, gamma, eps).copy_(variance_term(centred_columns(embeddings), gamma, eps));
}

at::Tensor variance_backward(const at::Tensor& grad_loss, const at::Tensor& embeddings, double gamma, double eps) {
  const at::Tensor result = variance_backward_meta(grad_loss, embeddings, gamma, eps);
  const CentredColumns columns = centred_columns(embeddings);
  return result.copy_(columns.centred.mul(variance_slopes(columns, gamma, eps).mul_(grad_loss)));
}

}  // namespace

// The derivative of variance is registered in Python (singerprint/losses/variance.py); second derivatives are refused.
TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("variance(Tensor embeddings, float gamma, float eps) -> Tensor");
  library.def("variance_backward(Tensor grad_loss, Tensor embeddings, float gamma, float eps) -> Tensor");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) {
  library.impl("variance", &variance_meta);
  library.impl("variance_backward", &variance_backward_meta);
}
TORCH_LIBRARY_IMPL(singerprint, CPU, library) {
  library.impl("variance", &variance);
  library.impl("variance_backward", &variance_backward);
}
TORCH_LIBRARY_IMPL(singerprint, CUDA, library) {
  library.impl("variance", &variance);
  library.impl("variance_backward", &variance_backward);
}
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("variance_backward", torch::autograd::autogradNotImplementedFallback());
}

}  // namespace singerprint
