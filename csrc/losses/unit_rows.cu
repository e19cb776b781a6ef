#include "losses/block_sum.cuh"
#include "losses/unit_rows.h"

namespace singerprint {
namespace {

// One block per row; its threads stride over dim.
template <class T>
__global__ void unit_rows_kernel(const T* x, std::int64_t dim, T* z) {
  const T* const from = x + blockIdx.x * dim;
  T* const to = z + blockIdx.x * dim;
  const double inverse = 1.0 / bounded_length(block_inner_product(from, from, dim));
  for (std::int64_t k = threadIdx.x; k < dim; k += kThreads) {
    to[k] = static_cast<T>(static_cast<double>(from[k]) * inverse);
  }
}

template <class T>
__global__ void unit_rows_backward_kernel(const T* x, const T* dz, std::int64_t dim, T* dx) {
  const T* const from = x + blockIdx.x * dim;
  const T* const gradient = dz + blockIdx.x * dim;
  T* const to = dx + blockIdx.x * dim;
  const double squared_length = block_inner_product(from, from, dim);
  const double share = radial_share(squared_length, block_inner_product(from, gradient, dim));
  const double inverse = 1.0 / bounded_length(squared_length);
  for (std::int64_t k = threadIdx.x; k < dim; k += kThreads) {
    to[k] = static_cast<T>((static_cast<double>(gradient[k]) - static_cast<double>(from[k]) * share) * inverse);
  }
}

}  // namespace

template <class T>
const char* launch_unit_rows(const T* x, std::int64_t rows, std::int64_t dim, T* z, void* stream) {
  unit_rows_kernel<<<grid_x(rows), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(x, dim, z);
  return launch_error();
}

template <class T>
const char* launch_unit_rows_backward(const T* x, const T* dz, std::int64_t rows, std::int64_t dim, T* dx,
                                      void* stream) {
  unit_rows_backward_kernel<<<grid_x(rows), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(x, dz, dim, dx);
  return launch_error();
}

template const char* launch_unit_rows(const float*, std::int64_t, std::int64_t, float*, void*);
template const char* launch_unit_rows(const double*, std::int64_t, std::int64_t, double*, void*);
template const char* launch_unit_rows_backward(const float*, const float*, std::int64_t, std::int64_t, float*, void*);
template const char* launch_unit_rows_backward(const double*, const double*, std::int64_t, std::int64_t, double*,
                                               void*);

}  // namespace singerprint
