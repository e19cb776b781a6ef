// A thread of a CUDA block, for arithmetic that is written for host and device: on the host one thread walks through
// all that the block does, so that the tests hold a kernel's work against the CPU without a GPU.
#pragma once
#include "core/host_device.h"

namespace singerprint {

// Thread `index` of the `count` threads that share some work: it takes the items index, index + count ...
struct BlockThread {
  int index, count;
};

SINGERPRINT_HOST_DEVICE inline void synchronise_block() {
#ifdef __CUDA_ARCH__
  __syncthreads();
#endif
}

inline constexpr int kUsualSharedBytes = 48 * 1024;  // of a block; more needs an opt-in

}  // namespace singerprint
