// The threads of a CUDA block in step, for arithmetic that is written for host and device and holds results in
// registers between steps: on the host one thread does each step for all of them, so that the tests run a kernel's
// work, also what the threads of a warp do together, without a GPU. Barriers stand between steps
// (core/block_thread.h).
#pragma once
#include "core/block_thread.h"

namespace singerprint {

inline constexpr int kWarp = 32;  // threads

// body(thread), by each thread of a block for itself.
template <int kThreads, class Body>
SINGERPRINT_HOST_DEVICE inline void each_thread(const Body& body) {
#ifdef __CUDA_ARCH__
  body(static_cast<int>(threadIdx.x));
#else
  for (int thread = 0; thread < kThreads; ++thread) body(thread);
#endif
}

// What each thread holds: on the device its own alone.
template <class T, int kThreads>
class PerThread {
 public:
#ifdef __CUDA_ARCH__
  SINGERPRINT_HOST_DEVICE T& operator[](int) { return own_; }

 private:
  T own_;
#else
  SINGERPRINT_HOST_DEVICE T& operator[](int thread) { return all_[thread]; }

 private:
  T all_[kThreads];
#endif
};

// A thread's two-dimensional array.
template <class T, int kFirst, int kSecond>
SINGERPRINT_HOST_DEVICE inline void clear(T (&values)[kFirst][kSecond]) {
#pragma unroll
  for (int i = 0; i < kFirst; ++i) {
#pragma unroll
    for (int j = 0; j < kSecond; ++j) values[i][j] = T(0);
  }
}

}  // namespace singerprint
