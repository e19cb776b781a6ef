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

// Whether the values in its memory are all there is to it: no subclass and nothing that torch.func wraps, no lazy
// negation or zero, no forward derivative carried along.
inline bool is_plain_tensor(const at::Tensor& tensor) {
  constexpr c10::DispatchKeySet kLazyValues({c10::DispatchKey::Negative, c10::DispatchKey::ZeroTensor});
  return tensor.layout() == at::kStrided && !at::isTensorSubclassLike(tensor) &&
         !tensor.key_set().has_any(kLazyValues) && !tensor._fw_grad(0).defined();
}

}  // namespace singerprint
