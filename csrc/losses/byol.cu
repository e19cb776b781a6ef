#include "losses/block_sum.cuh"
#include "losses/byol.h"

namespace singerprint {
namespace {

template <class T>
__device__ ByolRow row_of(const T* prediction, const T* target, std::int64_t dim) {
  return {block_inner_product(prediction, prediction, dim), block_inner_product(target, target, dim),
          block_inner_product(prediction, target, dim)};
}

// One block per row of the batch.
template <class T>
__global__ void byol_kernel(const T* prediction, const T* target, std::int64_t dim, double* losses) {
  const ByolRow row = row_of(prediction + blockIdx.x * dim, target + blockIdx.x * dim, dim);
  if (threadIdx.x == 0) losses[blockIdx.x] = byol_loss(row);
}

// One block per row of the batch; its threads stride over dim.
template <class T>
__global__ void byol_backward_kernel(const T* grad_loss, const T* prediction, const T* target, std::int64_t batch,
                                     std::int64_t dim, T* grad_prediction, T* grad_target) {
  const std::int64_t start = blockIdx.x * dim;
  const ByolRow row = row_of(prediction + start, target + start, dim);
  const double grad_row = static_cast<double>(*grad_loss) / static_cast<double>(batch);
  const ByolGradient of_prediction = byol_gradient(row.prediction_squared, row.target_squared, row.product, grad_row);
  const ByolGradient of_target = byol_gradient(row.target_squared, row.prediction_squared, row.product, grad_row);
  for (std::int64_t k = start + threadIdx.x; k < start + dim; k += kThreads) {
    grad_prediction[k] = byol_gradient_at(of_prediction, prediction[k], target[k]);
    grad_target[k] = byol_gradient_at(of_target, target[k], prediction[k]);
  }
}

}  // namespace

template <class T>
const char* launch_byol(const T* prediction, const T* target, std::int64_t batch, std::int64_t dim, double* losses,
                        T* loss, void* stream) {
  const auto on_stream = static_cast<cudaStream_t>(stream);
  byol_kernel<<<grid_x(batch), kThreads, 0, on_stream>>>(prediction, target, dim, losses);
  if (const char* error = launch_error()) return error;
  mean_kernel<<<1, kThreads, 0, on_stream>>>(losses, batch, Itself{}, loss);
  return launch_error();
}

template <class T>
const char* launch_byol_backward(const T* grad_loss, const T* prediction, const T* target, std::int64_t batch,
                                 std::int64_t dim, T* grad_prediction, T* grad_target, void* stream) {
  byol_backward_kernel<<<grid_x(batch), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      grad_loss, prediction, target, batch, dim, grad_prediction, grad_target);
  return launch_error();
}

template const char* launch_byol(const float*, const float*, std::int64_t, std::int64_t, double*, float*, void*);
template const char* launch_byol(const double*, const double*, std::int64_t, std::int64_t, double*, double*, void*);
template const char* launch_byol_backward(const float*, const float*, const float*, std::int64_t, std::int64_t, float*,
                                          float*, void*);
template const char* launch_byol_backward(const double*, const double*, const double*, std::int64_t, std::int64_t,
                                          double*, double*, void*);

}  // namespace singerprint
