// Grid sizes and the launch check of every kernel.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

namespace singerprint {

constexpr int kThreads = 256;

// Blocks of kThreads threads that cover `elements`, for a grid's x; grid.x may be 2^31 - 1.
inline unsigned int blocks_for(std::int64_t elements) {
  return static_cast<unsigned int>((elements + kThreads - 1) / kThreads);
}

// grid.y and grid.z end at 65,535: kernels stride over the rest of the batch.
inline unsigned int rows_for(std::int64_t rows) { return static_cast<unsigned int>(rows < 65535 ? rows : 65535); }

// nullptr, or what CUDA says of the launch just made.
inline const char* launch_error() {
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace singerprint
