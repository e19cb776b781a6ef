// The kernels of losses/pairwise_block.h, and the choice of their tiles.
#pragma once
#include "core/launch.cuh"
#include "losses/matmul_precision.h"
#include "losses/multiplier_tiles.h"
#include "losses/pairwise_block.h"
#include "losses/tensor_core_tiles.h"

namespace singerprint {

// grid.x: row blocks.
template <class Tiles, class Pairs>
__global__ void __launch_bounds__(Tiles::kThreads) log_sum_exp_kernel(Pairs pairs, double* log_sum_exp) {
  __shared__ LogSumExpMemory<Tiles> memory;
  log_sum_exp_block<Tiles>(pairs, std::int64_t{blockIdx.x} * Tiles::kRows, memory, log_sum_exp);
}

// grid.x: row blocks; grid.y: blocks of dims of the product.
template <class Tiles, class Pairs>
__global__ void __launch_bounds__(Tiles::kThreads)
    softmax_product_kernel(Pairs pairs, typename Tiles::Scalar* product) {
  __shared__ SoftmaxProductMemory<Tiles> memory;
  softmax_product_block<Tiles>(pairs, std::int64_t{blockIdx.x} * Tiles::kRows, std::int64_t{blockIdx.y} * Tiles::kDims,
                               memory, product);
}

// Whether the loaded code of a kernel has the products of core/tensor_core.h: this device's, not the newest one's.
template <class Kernel>
bool has_tensor_cores(Kernel kernel) {
  cudaFuncAttributes attributes;
  const bool known = cudaFuncGetAttributes(&attributes, kernel) == cudaSuccess;
  return known && attributes.ptxVersion >= 80;
}

// launch(tiles) with the tiles that the precision asks for.
template <class T, class Launch>
const char* with_tiles(MatmulPrecision precision, const Launch& launch) {
  if constexpr (std::is_same<T, float>::value) {
    if (precision == MatmulPrecision::kHigh && launch.fits(TensorCoreTiles<Tf32x3>{})) {
      return launch(TensorCoreTiles<Tf32x3>{});
    }
    if (precision == MatmulPrecision::kMedium && launch.fits(TensorCoreTiles<Bfloat16>{})) {
      return launch(TensorCoreTiles<Bfloat16>{});
    }
  }
  return launch(MultiplierTiles<T>{});
}

template <class Pairs>
struct LogSumExpLaunch {
  Pairs pairs;
  double* log_sum_exp;
  cudaStream_t stream;

  template <class Tiles>
  bool fits(Tiles) const {
    return has_tensor_cores(log_sum_exp_kernel<Tiles, Pairs>);
  }
  template <class Tiles>
  const char* operator()(Tiles) const {
    log_sum_exp_kernel<Tiles><<<blocks_for(pairs.rows, Tiles::kRows), Tiles::kThreads, 0, stream>>>(pairs, log_sum_exp);
    return launch_error();
  }
};

template <class T, class Pairs>
struct SoftmaxProductLaunch {
  Pairs pairs;
  T* product;
  cudaStream_t stream;

  template <class Tiles>
  bool fits(Tiles) const {
    return has_tensor_cores(softmax_product_kernel<Tiles, Pairs>);
  }
  template <class Tiles>
  const char* operator()(Tiles) const {
    const dim3 blocks(blocks_for(pairs.rows, Tiles::kRows), blocks_for(pairs.dim, Tiles::kDims));
    softmax_product_kernel<Tiles><<<blocks, Tiles::kThreads, 0, stream>>>(pairs, product);
    return launch_error();
  }
};

template <class T, class Pairs>
const char* launch_log_sum_exp(const Pairs& pairs, MatmulPrecision precision, double* log_sum_exp, void* stream) {
  return with_tiles<T>(precision, LogSumExpLaunch<Pairs>{pairs, log_sum_exp, static_cast<cudaStream_t>(stream)});
}

template <class T, class Pairs>
const char* launch_softmax_product(const Pairs& pairs, MatmulPrecision precision, T* product, void* stream) {
  return with_tiles<T>(precision, SoftmaxProductLaunch<T, Pairs>{pairs, product, static_cast<cudaStream_t>(stream)});
}

}  // namespace singerprint
