// The kernels of losses/pairwise_block.h, and the choice of their tiles.
#pragma once
#include "core/launch.cuh"
#include "losses/matmul_precision.h"
#include "losses/multiplier_tiles.h"
#include "losses/pairwise_block.h"
#include "losses/tensor_core_tiles.h"

namespace singerprint {

// grid.x: row blocks; grid.z: ranges of columns. of_range: (ranges, rows).
template <class Tiles, class Pairs>
__global__ void __launch_bounds__(Tiles::kThreads, Tiles::kBlocksOfProcessor)
    log_sum_exp_kernel(Pairs pairs, ColumnSplits splits, RunningSum<typename Tiles::Scalar>* of_range) {
  __shared__ LogSumExpMemory<Tiles> memory;
  log_sum_exp_block<Tiles>(pairs, std::int64_t{blockIdx.x} * kPairRows, splits.range(blockIdx.z), memory,
                           of_range + blockIdx.z * pairs.rows);
}

// One thread per row.
template <class T>
__global__ void merge_ranges_kernel(const RunningSum<T>* of_range, std::int64_t ranges, std::int64_t rows, double scale,
                                    double* log_sum_exp) {
  const std::int64_t row = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (row < rows) log_sum_exp[row] = log_of_ranges(of_range, ranges, rows, row, scale);
}

// grid.x: row blocks; grid.y: blocks of dims of the product; grid.z: ranges of columns. of_range: (ranges, rows, dim).
template <class Tiles, class Pairs>
__global__ void __launch_bounds__(Tiles::kThreads, Tiles::kBlocksOfProcessor)
    softmax_product_kernel(Pairs pairs, ColumnSplits splits, typename Tiles::Scalar* of_range) {
  __shared__ SoftmaxProductMemory<Tiles> memory;
  softmax_product_block<Tiles>(pairs, std::int64_t{blockIdx.x} * kPairRows, std::int64_t{blockIdx.y} * kPairDims,
                               splits.range(blockIdx.z), memory, of_range + blockIdx.z * pairs.rows * pairs.dim);
}

// One thread per element.
template <class T>
__global__ void sum_ranges_kernel(const T* of_range, std::int64_t ranges, std::int64_t elements, T* product) {
  const std::int64_t element = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (element < elements) product[element] = sum_of_ranges(of_range, ranges, elements, element);
}

template <class Tiles, class Pairs>
const char* launch_log_sum_exp_of(const Pairs& pairs, double* log_sum_exp, void* workspace, cudaStream_t stream) {
  auto* const of_range = static_cast<RunningSum<typename Tiles::Scalar>*>(workspace);
  static_assert(sizeof(*of_range) == 16, "what log_sum_exp_workspace_bytes counts");
  const ColumnSplits splits = log_sum_exp_splits(pairs.rows, pairs.columns);
  const dim3 blocks(blocks_for(pairs.rows, kPairRows), 1, static_cast<unsigned int>(splits.count));
  log_sum_exp_kernel<Tiles><<<blocks, Tiles::kThreads, 0, stream>>>(pairs, splits, of_range);
  if (const char* const error = launch_error()) return error;
  merge_ranges_kernel<<<blocks_for(pairs.rows), kThreads, 0, stream>>>(of_range, splits.count, pairs.rows, pairs.scale,
                                                                       log_sum_exp);
  return launch_error();
}

template <class Tiles, class Pairs>
const char* launch_softmax_product_of(const Pairs& pairs, typename Tiles::Scalar* product, void* workspace,
                                      cudaStream_t stream) {
  const ColumnSplits splits = softmax_product_splits(pairs.rows, pairs.columns, pairs.dim);
  auto* const of_range = splits.count == 1 ? product : static_cast<typename Tiles::Scalar*>(workspace);
  const dim3 blocks(blocks_for(pairs.rows, kPairRows), blocks_for(pairs.dim, kPairDims),
                    static_cast<unsigned int>(splits.count));
  softmax_product_kernel<Tiles><<<blocks, Tiles::kThreads, 0, stream>>>(pairs, splits, of_range);
  if (const char* const error = launch_error()) return error;
  if (splits.count == 1) return nullptr;
  const std::int64_t elements = pairs.rows * pairs.dim;
  sum_ranges_kernel<<<blocks_for(elements), kThreads, 0, stream>>>(of_range, splits.count, elements, product);
  return launch_error();
}

// Whether the code of a kernel that this device runs has the products of core/tensor_core.h: it may have been compiled
// for an older one.
template <class Kernel>
bool has_tensor_cores(Kernel kernel) {
  cudaFuncAttributes attributes;
  const bool known = cudaFuncGetAttributes(&attributes, kernel) == cudaSuccess;
  return known && attributes.ptxVersion >= 80;
}

// workspace: log_sum_exp_workspace_bytes.
template <class T, class Pairs>
const char* launch_log_sum_exp(const Pairs& pairs, MatmulPrecision precision, double* log_sum_exp, void* workspace,
                               void* stream) {
  auto* const on = static_cast<cudaStream_t>(stream);
  if constexpr (std::is_same<T, float>::value) {
    using High = TensorCoreTiles<Tf32x3>;
    using Medium = TensorCoreTiles<Bfloat16>;
    if (precision == MatmulPrecision::kHigh && has_tensor_cores(log_sum_exp_kernel<High, Pairs>)) {
      return launch_log_sum_exp_of<High>(pairs, log_sum_exp, workspace, on);
    }
    if (precision == MatmulPrecision::kMedium && has_tensor_cores(log_sum_exp_kernel<Medium, Pairs>)) {
      return launch_log_sum_exp_of<Medium>(pairs, log_sum_exp, workspace, on);
    }
  }
  return launch_log_sum_exp_of<MultiplierTiles<T>>(pairs, log_sum_exp, workspace, on);
}

// workspace: softmax_product_workspace_bytes.
template <class T, class Pairs>
const char* launch_softmax_product(const Pairs& pairs, MatmulPrecision precision, T* product, void* workspace,
                                   void* stream) {
  auto* const on = static_cast<cudaStream_t>(stream);
  if constexpr (std::is_same<T, float>::value) {
    using High = TensorCoreTiles<Tf32x3>;
    using Medium = TensorCoreTiles<Bfloat16>;
    if (precision == MatmulPrecision::kHigh && has_tensor_cores(softmax_product_kernel<High, Pairs>)) {
      return launch_softmax_product_of<High>(pairs, product, workspace, on);
    }
    if (precision == MatmulPrecision::kMedium && has_tensor_cores(softmax_product_kernel<Medium, Pairs>)) {
      return launch_softmax_product_of<Medium>(pairs, product, workspace, on);
    }
  }
  return launch_softmax_product_of<MultiplierTiles<T>>(pairs, product, workspace, on);
}

}  // namespace singerprint
