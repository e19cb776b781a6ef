#include "losses/nt_xent.h"

#include "losses/contrastive_tensors.h"

namespace singerprint {
namespace {

[[maybe_unused]] TensorPair nt_xent_cuda(const at::Tensor& first, const at::Tensor& second, double temperature) {
  return contrastive_cuda<NtXent>(first, second, temperature);
}

[[maybe_unused]] TensorPair nt_xent_backward_cuda(const at::Tensor& grad_loss, const at::Tensor& first,
                                                  const at::Tensor& second, const at::Tensor& log_sum_exp,
                                                  double temperature) {
  return contrastive_backward_cuda<NtXent>(grad_loss, first, second, log_sum_exp, temperature);
}

}  // namespace

// The derivative of nt_xent is registered in Python (singerprint/losses/nt_xent.py); second derivatives are refused.
TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("nt_xent(Tensor first, Tensor second, float temperature) -> (Tensor loss, Tensor log_sum_exp)");
  library.def(
      "nt_xent_backward(Tensor grad_loss, Tensor first, Tensor second, Tensor log_sum_exp, float temperature) "
      "-> (Tensor grad_first, Tensor grad_second)");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) {
  library.impl("nt_xent", &contrastive_meta<NtXent>);
  library.impl("nt_xent_backward", &contrastive_backward_meta<NtXent>);
}
TORCH_LIBRARY_IMPL(singerprint, CPU, library) {
  library.impl("nt_xent", &contrastive_cpu<NtXent>);
  library.impl("nt_xent_backward", &contrastive_backward_cpu<NtXent>);
}
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("nt_xent_backward", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(nt_xent)
SINGERPRINT_REGISTER_CUDA(nt_xent_backward)

}  // namespace singerprint
