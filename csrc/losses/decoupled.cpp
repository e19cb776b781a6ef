#include "losses/decoupled.h"

#include "losses/contrastive_tensors.h"

namespace singerprint {
namespace {

[[maybe_unused]] TensorPair decoupled_cuda(const at::Tensor& first, const at::Tensor& second, double temperature) {
  return contrastive_cuda<Decoupled>(first, second, temperature);
}

[[maybe_unused]] TensorPair decoupled_backward_cuda(const at::Tensor& grad_loss, const at::Tensor& first,
                                                    const at::Tensor& second, const at::Tensor& log_sum_exp,
                                                    double temperature) {
  return contrastive_backward_cuda<Decoupled>(grad_loss, first, second, log_sum_exp, temperature);
}

}  // namespace

// The derivative of decoupled is registered in Python (singerprint/losses/decoupled.py); second derivatives are
// refused.
TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("decoupled(Tensor first, Tensor second, float temperature) -> (Tensor loss, Tensor log_sum_exp)");
  library.def(
      "decoupled_backward(Tensor grad_loss, Tensor first, Tensor second, Tensor log_sum_exp, float temperature) "
      "-> (Tensor grad_first, Tensor grad_second)");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) {
  library.impl("decoupled", &contrastive_meta<Decoupled>);
  library.impl("decoupled_backward", &contrastive_backward_meta<Decoupled>);
}
TORCH_LIBRARY_IMPL(singerprint, CPU, library) {
  library.impl("decoupled", &contrastive_cpu<Decoupled>);
  library.impl("decoupled_backward", &contrastive_backward_cpu<Decoupled>);
}
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("decoupled_backward", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(decoupled)
SINGERPRINT_REGISTER_CUDA(decoupled_backward)

}  // namespace singerprint
