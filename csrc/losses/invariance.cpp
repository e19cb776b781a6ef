#include "losses/invariance.h"

#include <tuple>

#include "core/precompiled.h"

namespace singerprint {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;

at::Tensor invariance_meta(const at::Tensor& first, const at::Tensor& second) {
  check_embedding_pair("invariance", "first", first, "second", second);
  return at::empty({}, first.options());
}

Pair invariance_backward_meta(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second) {
  check_embedding_pair("invariance_backward", "first", first, "second", second);
  check_grad_loss("invariance_backward", grad_loss, first);
  return {at::empty_symint(first.sym_sizes(), first.options()), at::empty_symint(first.sym_sizes(), first.options())};
}

// The CPU's and CUDA's kernels.
at::Tensor invariance(const at::Tensor& first, const at::Tensor& second) {
  return invariance_meta(first, second).copy_(invariance_term(first, second));
}

Pair invariance_backward(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second) {
  const Pair result = invariance_backward_meta(grad_loss, first, second);
  const at::Tensor gradient = invariance_gradient(first, second).mul_(grad_loss);
  std::get<0>(result).copy_(gradient);
  std::get<1>(result).copy_(gradient.neg());
  return result;
}

}  // namespace

// The derivative of invariance is registered in Python (singerprint/losses/invariance.py); second derivatives are
// refused.
TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("invariance(Tensor first, Tensor second) -> Tensor");
  library.def(
      "invariance_backward(Tensor grad_loss, Tensor first, Tensor second) -> (Tensor grad_first, Tensor grad_second)");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) {
  library.impl("invariance", &invariance_meta);
  library.impl("invariance_backward", &invariance_backward_meta);
}
TORCH_LIBRARY_IMPL(singerprint, CPU, library) {
  library.impl("invariance", &invariance);
  library.impl("invariance_backward", &invariance_backward);
}
TORCH_LIBRARY_IMPL(singerprint, CUDA, library) {
  library.impl("invariance", &invariance);
  library.impl("invariance_backward", &invariance_backward);
}
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("invariance_backward", torch::autograd::autogradNotImplementedFallback());
}

}  // namespace singerprint
