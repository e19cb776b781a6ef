// Sums over one thread block in a fixed order, and the mean of one value a row by a single block: no atomics.
#pragma once
#include "core/launch.cuh"

namespace singerprint {

// Every thread of the block (kThreads of them) calls it and receives the sum.
__device__ inline double block_sum(double value) {
  __shared__ double partial[kThreads];
  __syncthreads();  // the sum before this one has been read by all
  partial[threadIdx.x] = value;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
    __syncthreads();
  }
  return partial[0];
}

template <class T>
__device__ double block_inner_product(const T* a, const T* b, std::int64_t dim) {
  double sum = 0.0;
  for (std::int64_t k = threadIdx.x; k < dim; k += kThreads) {
    sum += static_cast<double>(a[k]) * static_cast<double>(b[k]);
  }
  return block_sum(sum);
}

struct Itself {
  __device__ double operator()(double value) const { return value; }
};

// One block: thread t sums map(values[t]), map(values[t + kThreads]), ...
template <class T, class Map>
__global__ void mean_kernel(const double* values, std::int64_t count, Map map, T* mean) {
  double sum = 0.0;
  for (std::int64_t i = threadIdx.x; i < count; i += kThreads) sum += map(values[i]);
  sum = block_sum(sum);
  if (threadIdx.x == 0) *mean = static_cast<T>(sum / static_cast<double>(count));
}

}  // namespace singerprint
