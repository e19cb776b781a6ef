// When own kernels may take the place of PyTorch's operators: what inference and training ask alike.
#pragma once
#include <ATen/TensorSubclassLikeUtils.h>
#include <ATen/TracerMode.h>
#include <ATen/core/Tensor.h>

namespace singerprint {

// Whether somebody wants to see each operator.
inline bool operators_are_watched() {
  return at::tracer::impl::is_dispatch_enabled() || c10::impl::dispatch_mode_enabled();
}

// Whether its values are what lies in memory, and all there is to it: no tensor of torch.func or of a subclass, none
// that is negated or zero without saying so in memory, and no derivative carried along.
inline bool is_plain_tensor(const at::Tensor& tensor) {
  constexpr c10::DispatchKeySet kLazyValues({c10::DispatchKey::Negative, c10::DispatchKey::ZeroTensor});
  return tensor.layout() == at::kStrided && !at::isTensorSubclassLike(tensor) &&
         !tensor.key_set().has_any(kLazyValues) && !tensor._fw_grad(0).defined();
}

}  // namespace singerprint
