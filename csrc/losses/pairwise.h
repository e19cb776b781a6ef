// pairwise: what the contrastive losses need of all pairs of rows, tile by tile: the (rows, rows) matrix never exists.
//   s[i, j]        = <z[i], z[j]>
//   log_sum_exp[i] = log( sum_j exp(scale * s[i, j]) )
//   product[i]     = sum_j ( exp(scale * s[i, j] - normalizer[i]) + exp(scale * s[i, j] - normalizer[j]) ) * z[j]
// The sums leave out j in run(i), which holds i, and j = partner(i). `product` is the gradient of sum_i log_sum_exp[i]
// / scale with respect to z where normalizer = log_sum_exp; another normaliser gives the softmax another denominator
// (NT-Xent puts the partner back into it). A row without any j has log_sum_exp -inf and product 0.
//
// CPU: tiles of at most kTileRows x kTileRows, each pair of tiles computed once (s is symmetric) and used for both its
// rows and its columns. The order of every sum is fixed by the sizes alone: the same bits for any number of threads.
// Memory: about six times z. Thread safe.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/dispatch.h"
#include "core/host_device.h"
#include "losses/matmul_precision.h"

namespace singerprint {

struct PairwiseProblem {
  std::int64_t rows;
  std::int64_t dim;
  std::int64_t partner_offset;              // partner(i) = (i + partner_offset) % rows; in [0, rows), 0: i itself
  double scale;                             // 1 / temperature; 1e-6 to 1e6
  const std::int64_t* run_begin = nullptr;  // (rows,), where z lies: run(i) = [run_begin[i], run_end[i]); nullptr: i
  const std::int64_t* run_end = nullptr;
};

struct Run {
  std::int64_t begin;
  std::int64_t end;
};

SINGERPRINT_HOST_DEVICE inline Run run_of(std::int64_t i, const PairwiseProblem& problem) {
  return problem.run_begin == nullptr ? Run{i, i + 1} : Run{problem.run_begin[i], problem.run_end[i]};
}

SINGERPRINT_HOST_DEVICE inline std::int64_t partner_of(std::int64_t i, const PairwiseProblem& problem) {
  const std::int64_t partner = i + problem.partner_offset;  // not %: a division for each row of each tile
  return partner < problem.rows ? partner : partner - problem.rows;
}

// sum_j exp(scale * s_j) as sum * exp(scale * maximum), so that nothing overflows. Empty: {lowest, 0}.
template <class T>
struct RunningSum {
  T maximum;
  double sum;
};

template <class T>
SINGERPRINT_HOST_DEVICE inline void raise_maximum(RunningSum<T>& running, T maximum, double scale) {
  if (!(maximum > running.maximum)) return;
  running.sum *= exp(scale * (static_cast<double>(running.maximum) - static_cast<double>(maximum)));
  running.maximum = maximum;
}

template <class T>
SINGERPRINT_HOST_DEVICE inline RunningSum<T> merge(RunningSum<T> a, RunningSum<T> b, double scale) {
  raise_maximum(a, b.maximum, scale);
  raise_maximum(b, a.maximum, scale);
  return {a.maximum, a.sum + b.sum};
}

// exp(value) alone, to be merged at the scale 1; NaN stays NaN.
SINGERPRINT_HOST_DEVICE inline RunningSum<double> one_term(double value) {
  return {value, value == value ? 1.0 : value};
}

template <class T>
SINGERPRINT_HOST_DEVICE inline double log_of(const RunningSum<T>& running, double scale) {
  return running.sum == 0.0 ? -INFINITY : scale * static_cast<double>(running.maximum) + log(running.sum);
}

// exp(scale * s - normalizer) = factor * exp(scale * (s - shift)): the factor is what rounding the shift has lost.
template <class T>
struct SplitNormalizer {
  T shift;
  T factor;
};

// The normaliser INFINITY has the factor 0.
template <class T>
SINGERPRINT_HOST_DEVICE inline SplitNormalizer<T> split(double normalizer, double scale) {
  if (normalizer == INFINITY) return {static_cast<T>(normalizer), T(0)};
  const T shift = static_cast<T>(normalizer / scale);
  return {shift, static_cast<T>(exp(scale * static_cast<double>(shift) - normalizer))};
}

// z, product: (rows, dim) contiguous, T float or double; log_sum_exp, normalizer: (rows,).
template <class T>
void pairwise_log_sum_exp(const T* z, const PairwiseProblem& problem, double* log_sum_exp);
template <class T>
void pairwise_softmax_product(const T* z, const PairwiseProblem& problem, const double* normalizer, T* product);

// The same on CUDA, deterministic; the precision is that of the products of float32 alone. workspace: as many bytes as
// losses/column_splits.h says. Returns nullptr or the launch's error.
template <class T>
const char* launch_pairwise_log_sum_exp(const T* z, const PairwiseProblem& problem, MatmulPrecision precision,
                                        double* log_sum_exp, void* workspace, void* stream);
template <class T>
const char* launch_pairwise_softmax_product(const T* z, const PairwiseProblem& problem, MatmulPrecision precision,
                                            const double* normalizer, T* product, void* workspace, void* stream);

// A tile of s: row r and column c at s[r * stride + c]. Whole panels: `columns` is a multiple of `panel`.
template <class T>
struct Tile {
  T* s;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t stride;
};

template <class T>
struct PairwiseKernels {
  int panel;  // columns that one product computes: two lanes
  // c[r, 0:panel] = sum_k a[r * a_row + k * a_depth] * b[k, 0:panel]; rows are rounded up to a multiple of 8.
  void (*multiply)(const T* a, std::int64_t a_row, std::int64_t a_depth, const T* b, std::int64_t rows,
                   std::int64_t depth, T* c, std::int64_t c_row);
  void (*multiply_add)(const T* a, std::int64_t a_row, std::int64_t a_depth, const T* b, std::int64_t rows,
                       std::int64_t depth, T* c, std::int64_t c_row);  // c += ...
  // row_maximum[r] = max(row_maximum[r], max_c s[r, c]), and the same for the columns.
  void (*maxima)(const Tile<T>& tile, T* row_maximum, T* column_maximum);
  // row_sum[r] = sum_c 2^(scale * (s[r, c] - row_maximum[r])), and the same for the columns.
  void (*exponential_sums)(const Tile<T>& tile, T scale, const T* row_maximum, const T* column_maximum, T* row_sum,
                           T* column_sum);
  // s[r, c] = row_factor[r] * 2^(scale * (s - row_shift[r])) + column_factor[c] * 2^(scale * (s - column_shift[c]))
  void (*softmax)(const Tile<T>& tile, T scale, const T* row_shift, const T* row_factor, const T* column_shift,
                  const T* column_factor);
  // The same three of the rows alone, which do not look at what belongs to columns.
  void (*row_maxima)(const Tile<T>& tile, T* row_maximum, T*);
  void (*row_exponential_sums)(const Tile<T>& tile, T scale, const T* row_maximum, const T*, T* row_sum, T*);
  void (*row_softmax)(const Tile<T>& tile, T scale, const T* row_shift, const T* row_factor, const T*, const T*);
};

SINGERPRINT_DECLARE_LANES(PairwiseKernels<float>, pairwise_kernels_float, ())
SINGERPRINT_DECLARE_LANES(PairwiseKernels<double>, pairwise_kernels_double, ())

}  // namespace singerprint
