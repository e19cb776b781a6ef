#include "losses/alignment.h"
#include "losses/block_sum.cuh"

namespace singerprint {
namespace {

struct Row {
  ByolRow sums;
  double squared_distance;

  // Every thread of the block calls it.
  template <class T>
  __device__ Row(const T* first, const T* second, std::int64_t dim)
      : sums{block_inner_product(first, first, dim), block_inner_product(second, second, dim),
             block_inner_product(first, second, dim)} {
    const double inverse_first = 1.0 / bounded_length(sums.prediction_squared);
    const double inverse_second = 1.0 / bounded_length(sums.target_squared);
    double sum = 0.0;
    for (std::int64_t k = threadIdx.x; k < dim; k += kThreads) {
      sum += squared_difference(first[k], inverse_first, second[k], inverse_second);
    }
    squared_distance = squared_distance_of(sums, block_sum(sum));
  }
};

// One block per row of the batch.
template <class T>
__global__ void alignment_kernel(const T* first, const T* second, std::int64_t dim, double alpha, double* losses) {
  const Row row(first + blockIdx.x * dim, second + blockIdx.x * dim, dim);
  if (threadIdx.x == 0) losses[blockIdx.x] = alignment_loss(row.squared_distance, alpha);
}

// One block per row of the batch; its threads stride over dim.
template <class T>
__global__ void alignment_backward_kernel(const T* grad_loss, const T* first, const T* second, std::int64_t batch,
                                          std::int64_t dim, double alpha, T* grad_first, T* grad_second) {
  const std::int64_t start = blockIdx.x * dim;
  const Row row(first + start, second + start, dim);
  const double grad_row =
      static_cast<double>(*grad_loss) / static_cast<double>(batch) * alignment_slope(row.squared_distance, alpha);
  const double first_squared = row.sums.prediction_squared;
  const double second_squared = row.sums.target_squared;
  const ByolGradient of_first = byol_gradient(first_squared, second_squared, row.sums.product, grad_row);
  const ByolGradient of_second = byol_gradient(second_squared, first_squared, row.sums.product, grad_row);
  for (std::int64_t k = start + threadIdx.x; k < start + dim; k += kThreads) {
    grad_first[k] = byol_gradient_at(of_first, first[k], second[k]);
    grad_second[k] = byol_gradient_at(of_second, second[k], first[k]);
  }
}

}  // namespace

template <class T>
const char* launch_alignment(const T* first, const T* second, std::int64_t batch, std::int64_t dim, double alpha,
                             double* losses, T* loss, void* stream) {
  const auto on_stream = static_cast<cudaStream_t>(stream);
  alignment_kernel<<<grid_x(batch), kThreads, 0, on_stream>>>(first, second, dim, alpha, losses);
  if (const char* error = launch_error()) return error;
  mean_kernel<<<1, kThreads, 0, on_stream>>>(losses, batch, Itself{}, loss);
  return launch_error();
}

template <class T>
const char* launch_alignment_backward(const T* grad_loss, const T* first, const T* second, std::int64_t batch,
                                      std::int64_t dim, double alpha, T* grad_first, T* grad_second, void* stream) {
  alignment_backward_kernel<<<grid_x(batch), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      grad_loss, first, second, batch, dim, alpha, grad_first, grad_second);
  return launch_error();
}

template const char* launch_alignment(const float*, const float*, std::int64_t, std::int64_t, double, double*, float*,
                                      void*);
template const char* launch_alignment(const double*, const double*, std::int64_t, std::int64_t, double, double*,
                                      double*, void*);
template const char* launch_alignment_backward(const float*, const float*, const float*, std::int64_t, std::int64_t,
                                               double, float*, float*, void*);
template const char* launch_alignment_backward(const double*, const double*, const double*, std::int64_t, std::int64_t,
                                               double, double*, double*, void*);

}  // namespace singerprint
