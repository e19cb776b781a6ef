// The CUDA side of an op's glue, without a CUDA header: g++ compiles it against any PyTorch.
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/library.h>

namespace singerprint {

// The current stream of the tensor's device: a cudaStream_t.
inline void* current_stream(const at::Tensor& tensor) {
  return c10::impl::VirtualGuardImpl(tensor.device().type()).getStream(tensor.device()).native_handle();
}

// A launcher returns nullptr, or what CUDA says of the launch.
inline void check_launch(const char* op, const char* error) {
  TORCH_CHECK(error == nullptr, op, ": the CUDA kernel could not be launched: ", error);
}

inline void refuse_cuda(const c10::OperatorHandle& op, torch::jit::Stack*) {
  const std::string& name = op.schema().name();
  TORCH_CHECK_NOT_IMPLEMENTED(false, name.substr(name.rfind(':') + 1),
                              ": this build of singerprint has no CUDA kernels, got a CUDA tensor; rebuild with "
                              "-DSINGERPRINT_CUDA=ON where nvcc is installed, or move the tensors to the CPU");
}

}  // namespace singerprint

// SINGERPRINT_REGISTER_CUDA(gain) registers gain_cuda or, in a build without CUDA, the sentence above. An unreferenced
// gain_cuda in an unnamed namespace is not emitted, so its launcher is not missed.
#if SINGERPRINT_HAS_CUDA
#define SINGERPRINT_REGISTER_CUDA(op) \
  TORCH_LIBRARY_IMPL(singerprint, CUDA, library) { library.impl(#op, &op##_cuda); }
#else
#define SINGERPRINT_REGISTER_CUDA(op)                                                            \
  TORCH_LIBRARY_IMPL(singerprint, CUDA, library) {                                               \
    library.impl(#op, torch::CppFunction::makeFromBoxedFunction<&::singerprint::refuse_cuda>()); \
  }
#endif
