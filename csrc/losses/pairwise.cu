// Each block owns kTile rows and walks over all tiles of columns: one writer for every result, so no atomics and one
// order of summation. Threads are 16 x 16; thread (x, y) holds the rows y + 16 i and the columns x + 16 j of a tile:
//
//          column x, x + 16, x + 32, x + 48
//   row y     s[0][0]  s[0][1]  s[0][2]  s[0][3]
//   y + 16    s[1][0]  ...
#include <cfloat>

#include "core/launch.cuh"
#include "losses/pairwise.h"

namespace singerprint {
namespace {

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
__device__ void load(const T* z, const PairwiseProblem& problem, std::int64_t first_row, std::int64_t first_dim,
                     T (&to)[kDepth<T>][kTile + 1]) {
  for (int at = threadIdx.x; at < kTile * kDepth<T>; at += kThreads) {
    const int r = at / kDepth<T>;
    const int k = at % kDepth<T>;
    const std::int64_t row = first_row + r;
    const std::int64_t dim = first_dim + k;
    to[k][r] = row < problem.rows && dim < problem.dim ? z[row * problem.dim + dim] : T(0);
  }
}

// s of one tile; -inf where the pair is excluded or outside.
template <class T>
__device__ void similarities(const T* z, const PairwiseProblem& problem, std::int64_t first_row,
                             std::int64_t first_column, Stage<T>& stage, T (&s)[kEach][kEach]) {
  const int x = threadIdx.x % kSide;
  const int y = threadIdx.x / kSide;
  for (int i = 0; i < kEach; ++i) {
    for (int j = 0; j < kEach; ++j) s[i][j] = T(0);
  }
  for (std::int64_t dim = 0; dim < problem.dim; dim += kDepth<T>) {
    __syncthreads();  // the stage before this one has been read by all
    load(z, problem, first_row, dim, stage.left);
    load(z, problem, first_column, dim, stage.right);
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
      const bool outside = row >= problem.rows || column >= problem.rows;
      if (outside || column == row || column == partner_of(row, problem)) s[i][j] = -INFINITY;
    }
  }
}

// grid.x: row blocks. Each thread sums its own columns of all tiles; at the end the 16 threads of a row are merged.
template <class T>
__global__ void log_sum_exp_kernel(const T* z, PairwiseProblem problem, double* log_sum_exp) {
  __shared__ Stage<T> stage;
  __shared__ RunningSum<T> of_thread[kTile][kSide];
  const int x = threadIdx.x % kSide;
  const int y = threadIdx.x / kSide;
  const std::int64_t first_row = std::int64_t{blockIdx.x} * kTile;
  const T scale = static_cast<T>(problem.scale);
  RunningSum<T> running[kEach];
  for (int i = 0; i < kEach; ++i) running[i] = {sizeof(T) == 4 ? T(-FLT_MAX) : T(-DBL_MAX), 0.0};
  for (std::int64_t first_column = 0; first_column < problem.rows; first_column += kTile) {
    T s[kEach][kEach];
    similarities(z, problem, first_row, first_column, stage, s);
    for (int i = 0; i < kEach; ++i) {
      for (int j = 0; j < kEach; ++j) raise_maximum(running[i], s[i][j], problem.scale);
      T sum = T(0);
      for (int j = 0; j < kEach; ++j) sum += exp(scale * (s[i][j] - running[i].maximum));
      running[i].sum += static_cast<double>(sum);
    }
  }
  for (int i = 0; i < kEach; ++i) of_thread[y + kSide * i][x] = running[i];
  __syncthreads();
  const std::int64_t row = first_row + threadIdx.x;
  if (threadIdx.x >= kTile || row >= problem.rows) return;
  RunningSum<T> all = of_thread[threadIdx.x][0];
  for (int other = 1; other < kSide; ++other) all = merge(all, of_thread[threadIdx.x][other], problem.scale);
  log_sum_exp[row] = log_of(all, problem.scale);
}

// weight[r][c] = exp(scale * s - normalizer[row]) + exp(scale * s - normalizer[column]), each thread its places.
template <class T>
__device__ void softmax_weights(const T (&s)[kEach][kEach], T scale, const SplitNormalizer<T> (&of_row)[kEach],
                                const SplitNormalizer<T> (&of_column)[kTile], T (&weight)[kTile][kTile + 1]) {
  const int x = threadIdx.x % kSide;
  const int y = threadIdx.x / kSide;
  for (int i = 0; i < kEach; ++i) {
    for (int j = 0; j < kEach; ++j) {
      const SplitNormalizer<T> other = of_column[x + kSide * j];
      weight[y + kSide * i][x + kSide * j] = of_row[i].factor * exp(scale * (s[i][j] - of_row[i].shift)) +
                                             other.factor * exp(scale * (s[i][j] - other.shift));
    }
  }
}

// grid.x: row blocks; grid.y: kDimsOfBlock dims of the product, for each of which s is computed anew.
template <class T>
__global__ void softmax_product_kernel(const T* z, PairwiseProblem problem, const double* normalizer, T* product) {
  __shared__ Stage<T> stage;
  __shared__ T weight[kTile][kTile + 1];
  __shared__ SplitNormalizer<T> of_column[kTile];
  const int x = threadIdx.x % kSide;
  const int y = threadIdx.x / kSide;
  const std::int64_t first_row = std::int64_t{blockIdx.x} * kTile;
  const std::int64_t first_dim = std::int64_t{blockIdx.y} * kDimsOfBlock + x;
  const T scale = static_cast<T>(problem.scale);
  SplitNormalizer<T> of_row[kEach];
  for (int i = 0; i < kEach; ++i) {
    const std::int64_t row = first_row + y + kSide * i;
    of_row[i] = split<T>(row < problem.rows ? normalizer[row] : 0.0, problem.scale);
  }
  T sum[kEach][kDims] = {};
  for (std::int64_t first_column = 0; first_column < problem.rows; first_column += kTile) {
    if (threadIdx.x < kTile) {
      const std::int64_t column = first_column + threadIdx.x;
      of_column[threadIdx.x] = split<T>(column < problem.rows ? normalizer[column] : 0.0, problem.scale);
    }
    T s[kEach][kEach];
    similarities(z, problem, first_row, first_column, stage, s);  // its barriers also publish of_column
    softmax_weights(s, scale, of_row, of_column, weight);
    __syncthreads();
    const std::int64_t left = problem.rows - first_column;
    const int columns = static_cast<int>(left < kTile ? left : kTile);
    for (int c = 0; c < columns; ++c) {
      const T* const values = z + (first_column + c) * problem.dim;
#pragma unroll
      for (int k = 0; k < kDims; ++k) {
        const std::int64_t dim = first_dim + kSide * k;
        const T value = dim < problem.dim ? values[dim] : T(0);
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
      if (row < problem.rows && dim < problem.dim) product[row * problem.dim + dim] = sum[i][k];
    }
  }
}

}  // namespace

template <class T>
const char* launch_pairwise_log_sum_exp(const T* z, const PairwiseProblem& problem, double* log_sum_exp, void* stream) {
  const unsigned int blocks = blocks_for(problem.rows, kTile);
  log_sum_exp_kernel<<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(z, problem, log_sum_exp);
  return launch_error();
}

template <class T>
const char* launch_pairwise_softmax_product(const T* z, const PairwiseProblem& problem, const double* normalizer,
                                            T* product, void* stream) {
  const dim3 blocks(blocks_for(problem.rows, kTile), blocks_for(problem.dim, kDimsOfBlock));
  softmax_product_kernel<<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(z, problem, normalizer, product);
  return launch_error();
}

template const char* launch_pairwise_log_sum_exp(const float*, const PairwiseProblem&, double*, void*);
template const char* launch_pairwise_log_sum_exp(const double*, const PairwiseProblem&, double*, void*);
template const char* launch_pairwise_softmax_product(const float*, const PairwiseProblem&, const double*, float*,
                                                     void*);
template const char* launch_pairwise_softmax_product(const double*, const PairwiseProblem&, const double*, double*,
                                                     void*);

}  // namespace singerprint
