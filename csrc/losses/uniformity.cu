#include <cfloat>

#include "core/launch.cuh"
#include "losses/uniformity.h"

namespace singerprint {
namespace {

// One block: thread t merges the rows t, t + kThreads, ...; then the threads in pairs.
template <class T>
__global__ void uniformity_loss_kernel(const double* of_row, std::int64_t rows, double offset, double* log_sum_exp,
                                       T* loss) {
  __shared__ RunningSum<double> partial[kThreads];
  RunningSum<double> sum{-DBL_MAX, 0.0};
  for (std::int64_t i = threadIdx.x; i < rows; i += kThreads) sum = merge(sum, one_term(of_row[i]), 1.0);
  partial[threadIdx.x] = sum;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) {
      partial[threadIdx.x] = merge(partial[threadIdx.x], partial[threadIdx.x + half], 1.0);
    }
    __syncthreads();
  }
  if (threadIdx.x != 0) return;
  *log_sum_exp = log_of(partial[0], 1.0);
  *loss = static_cast<T>(*log_sum_exp - offset);
}

}  // namespace

template <class T>
const char* launch_uniformity_loss(const double* of_row, std::int64_t rows, double offset, double* log_sum_exp, T* loss,
                                   void* stream) {
  uniformity_loss_kernel<<<1, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(of_row, rows, offset, log_sum_exp,
                                                                                loss);
  return launch_error();
}

template const char* launch_uniformity_loss(const double*, std::int64_t, double, double*, float*, void*);
template const char* launch_uniformity_loss(const double*, std::int64_t, double, double*, double*, void*);

}  // namespace singerprint
