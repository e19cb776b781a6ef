// Grid sizes and the launch check of every kernel.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "core/parts.h"

namespace singerprint {

constexpr int kThreads = 256;

// grid.x ends at 2^31 - 1. More becomes 2^31, which CUDA refuses: a mere cast would leave a few blocks of them, and the
// rest of the result uninitialised.
inline unsigned int grid_x(std::int64_t blocks) {
  return static_cast<unsigned int>(blocks < (std::int64_t{1} << 31) ? blocks : std::int64_t{1} << 31);
}

// Blocks that cover `elements`, `each` of them a block.
inline unsigned int blocks_for(std::int64_t elements, int each = kThreads) { return grid_x(parts_of(elements, each)); }

// grid.y and grid.z end at 65,535: kernels stride over the rest of the batch.
inline unsigned int rows_for(std::int64_t rows) { return static_cast<unsigned int>(rows < 65535 ? rows : 65535); }

// nullptr, or what CUDA says of the launch just made.
inline const char* launch_error() {
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace singerprint
