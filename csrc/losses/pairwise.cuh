// The kernels of losses/pairwise.h and losses/cross_pairwise.h. `Pairs` says which matrices meet, what is left out and
// what a pair weighs:
//   left, right, rows, columns, dim, scale        s[row, column] = <left[row], right[column]>
//   leaves_out(row, column)                       no part of any sum
//   kByRow, kByColumn, normalizer                 weight = the sum of exp(scale * s - normalizer[row]), where kByRow,
//                                                 and exp(scale * s - normalizer[column]), where kByColumn
//   weight_left_out(row, column)                  the weight of what is left out
//
// Each block owns kTile rows and walks over all tiles of columns: one writer for every result, so no atomics and one
// order of summation. Threads are 16 x 16; thread (x, y) holds the rows y + 16 i and the columns x + 16 j of a tile:
//
//          column x, x + 16, x + 32, x + 48
//   row y     s[0][0]  s[0][1]  s[0][2]  s[0][3]
//   y + 16    s[1][0]  ...
#pragma once
#include <cfloat>

#include "core/launch.cuh"
#include "losses/pairwise.h"

namespace singerprint {

constexpr int kSide = 16;
constexpr int kEach = 4;
constexpr int kTile = kSide * kEach;
constexpr int kDims = 8;  // dims of the product that a thread holds for each of its rows
constexpr int kDimsOfBlock = kSide * kDims;
static_assert(kSide * kSide == kThreads, "one thread for each place of the square");

template <class T>
constexpr int kDepth = 64 / sizeof(T);  // columns of z that are in shared memory at a time

template <class T>
struct Stage {
  T left[kDepth<T>][kTile + 1];  // + 1: the transposing stores would meet in one bank
  T right[kDepth<T>][kTile + 1];
};

// The part of z that a tile needs next, transposed; zeros outside.
template <class T>
__device__ void load(const T* z, std::int64_t rows, std::int64_t dims, std::int64_t first_row, std::int64_t first_dim,
                     T (&to)[kDepth<T>][kTile + 1]) {
  for (int at = threadIdx.x; at < kTile * kDepth<T>; at += kThreads) {
    const int r = at / kDepth<T>;
    const int k = at % kDepth<T>;
    const std::int64_t row = first_row + r;
    const std::int64_t dim = first_dim + k;
    to[k][r] = row < rows && dim < dims ? z[row * dims + dim] : T(0);
  }
}

// s of one tile; -inf where the pair is left out or outside.
template <class Pairs, class T>
__device__ void similarities(const Pairs& pairs, std::int64_t first_row, std::int64_t first_column, Stage<T>& stage,
                             T (&s)[kEach][kEach]) {
  const int x = threadIdx.x % kSide;
  const int y = threadIdx.x / kSide;
  for (int i = 0; i < kEach; ++i) {
    for (int j = 0; j < kEach; ++j) s[i][j] = T(0);
  }
  for (std::int64_t dim = 0; dim < pairs.dim; dim += kDepth<T>) {
    __syncthreads();  // the stage before this one has been read by all
    load(pairs.left, pairs.rows, pairs.dim, first_row, dim, stage.left);
    load(pairs.right, pairs.columns, pairs.dim, first_column, dim, stage.right);
    __syncthreads();
#pragma unroll
    for (int k = 0; k < kDepth<T>; ++k) {
#pragma unroll
      for (int i = 0; i < kEach; ++i) {
#pragma unroll
        for (int j = 0; j < kEach; ++j) {
          s[i][j] = fma(stage.left[k][y + kSide * i], stage.right[k][x + kSide * j], s[i][j]);
        }
      }
    }
  }
  for (int i = 0; i < kEach; ++i) {
    const std::int64_t row = first_row + y + kSide * i;
    for (int j = 0; j < kEach; ++j) {
      const std::int64_t column = first_column + x + kSide * j;
      const bool outside = row >= pairs.rows || column >= pairs.columns;
      if (outside || pairs.leaves_out(row, column)) s[i][j] = -INFINITY;
    }
  }
}

// grid.x: row blocks. Each thread sums its own columns of all tiles; at the end the 16 threads of a row are merged.
template <class T, class Pairs>
__global__ void log_sum_exp_kernel(Pairs pairs, double* log_sum_exp) {
  __shared__ Stage<T> stage;
  __shared__ RunningSum<T> of_thread[kTile][kSide];
  const int x = threadIdx.x % kSide;
  const int y = threadIdx.x / kSide;
  const std::int64_t first_row = std::int64_t{blockIdx.x} * kTile;
  const T scale = static_cast<T>(pairs.scale);
  RunningSum<T> running[kEach];
  for (int i = 0; i < kEach; ++i) running[i] = {sizeof(T) == 4 ? T(-FLT_MAX) : T(-DBL_MAX), 0.0};
  for (std::int64_t first_column = 0; first_column < pairs.columns; first_column += kTile) {
    T s[kEach][kEach];
    similarities(pairs, first_row, first_column, stage, s);
    for (int i = 0; i < kEach; ++i) {
      for (int j = 0; j < kEach; ++j) raise_maximum(running[i], s[i][j], pairs.scale);
      T sum = T(0);
      for (int j = 0; j < kEach; ++j) sum += exp(scale * (s[i][j] - running[i].maximum));
      running[i].sum += static_cast<double>(sum);
    }
  }
  for (int i = 0; i < kEach; ++i) of_thread[y + kSide * i][x] = running[i];
  __syncthreads();
  const std::int64_t row = first_row + threadIdx.x;
  if (threadIdx.x >= kTile || row >= pairs.rows) return;
  RunningSum<T> all = of_thread[threadIdx.x][0];
  for (int other = 1; other < kSide; ++other) all = merge(all, of_thread[threadIdx.x][other], pairs.scale);
  log_sum_exp[row] = log_of(all, pairs.scale);
}

// The weights of one tile, each thread its places.
template <class T, class Pairs>
__device__ void softmax_weights(const Pairs& pairs, std::int64_t first_row, std::int64_t first_column,
                                const T (&s)[kEach][kEach], const SplitNormalizer<T> (&of_row)[kEach],
                                const SplitNormalizer<T> (&of_column)[kTile], T (&weight)[kTile][kTile + 1]) {
  const int x = threadIdx.x % kSide;
  const int y = threadIdx.x / kSide;
  const T scale = static_cast<T>(pairs.scale);
  for (int i = 0; i < kEach; ++i) {
    const std::int64_t row = first_row + y + kSide * i;
    for (int j = 0; j < kEach; ++j) {
      const std::int64_t column = first_column + x + kSide * j;
      const SplitNormalizer<T> other = of_column[x + kSide * j];
      T sum = T(0);
      if (Pairs::kByRow) sum += of_row[i].factor * exp(scale * (s[i][j] - of_row[i].shift));
      if (Pairs::kByColumn) sum += other.factor * exp(scale * (s[i][j] - other.shift));
      const bool inside = row < pairs.rows && column < pairs.columns;
      if (inside && pairs.leaves_out(row, column)) sum = static_cast<T>(pairs.weight_left_out(row, column));
      weight[y + kSide * i][x + kSide * j] = sum;
    }
  }
}

// product[row] = sum of weight[row, column] * right[column]. grid.x: row blocks; grid.y: kDimsOfBlock dims of the
// product, for each of which s is computed anew.
template <class T, class Pairs>
__global__ void softmax_product_kernel(Pairs pairs, T* product) {
  __shared__ Stage<T> stage;
  __shared__ T weight[kTile][kTile + 1];
  __shared__ SplitNormalizer<T> of_column[kTile];
  const int x = threadIdx.x % kSide;
  const int y = threadIdx.x / kSide;
  const std::int64_t first_row = std::int64_t{blockIdx.x} * kTile;
  const std::int64_t first_dim = std::int64_t{blockIdx.y} * kDimsOfBlock + x;
  SplitNormalizer<T> of_row[kEach];
  for (int i = 0; i < kEach; ++i) {
    const std::int64_t row = first_row + y + kSide * i;
    of_row[i] = split<T>(Pairs::kByRow && row < pairs.rows ? pairs.normalizer[row] : 0.0, pairs.scale);
  }
  T sum[kEach][kDims] = {};
  for (std::int64_t first_column = 0; first_column < pairs.columns; first_column += kTile) {
    if (threadIdx.x < kTile) {
      const std::int64_t column = first_column + threadIdx.x;
      const bool known = Pairs::kByColumn && column < pairs.columns;
      of_column[threadIdx.x] = split<T>(known ? pairs.normalizer[column] : 0.0, pairs.scale);
    }
    T s[kEach][kEach];
    similarities(pairs, first_row, first_column, stage, s);  // its barriers also publish of_column
    softmax_weights(pairs, first_row, first_column, s, of_row, of_column, weight);
    __syncthreads();
    const std::int64_t left = pairs.columns - first_column;
    const int columns = static_cast<int>(left < kTile ? left : kTile);
    for (int c = 0; c < columns; ++c) {
      const T* const values = pairs.right + (first_column + c) * pairs.dim;
#pragma unroll
      for (int k = 0; k < kDims; ++k) {
        const std::int64_t dim = first_dim + kSide * k;
        const T value = dim < pairs.dim ? values[dim] : T(0);
#pragma unroll
        for (int i = 0; i < kEach; ++i) sum[i][k] = fma(weight[y + kSide * i][c], value, sum[i][k]);
      }
    }
    __syncthreads();  // weight and of_column are written again
  }
  for (int i = 0; i < kEach; ++i) {
    const std::int64_t row = first_row + y + kSide * i;
    for (int k = 0; k < kDims; ++k) {
      const std::int64_t dim = first_dim + kSide * k;
      if (row < pairs.rows && dim < pairs.dim) product[row * pairs.dim + dim] = sum[i][k];
    }
  }
}

template <class T, class Pairs>
const char* launch_log_sum_exp(const Pairs& pairs, double* log_sum_exp, void* stream) {
  const unsigned int blocks = blocks_for(pairs.rows, kTile);
  log_sum_exp_kernel<T><<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(pairs, log_sum_exp);
  return launch_error();
}

template <class T, class Pairs>
const char* launch_softmax_product(const Pairs& pairs, T* product, void* stream) {
  const dim3 blocks(blocks_for(pairs.rows, kTile), blocks_for(pairs.dim, kDimsOfBlock));
  softmax_product_kernel<T><<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(pairs, product);
  return launch_error();
}

}  // namespace singerprint
