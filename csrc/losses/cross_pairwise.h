// cross_pairwise: what losses between two matrices need of all pairs of a row of the one and a row of the other, tile
// by tile, as losses/pairwise.h does within one: the (rows, columns) matrix never exists.
//   s[i, j]           = <a[i], b[j]>
//   log_sum_exp[i]    = log( sum_j exp(scale * s[i, j]) ),  without j = target(i)
//   weight[i, j]      = exp(scale * s[i, j] - normalizer[i]),  -pull[i] for j = target(i)
//   row_product[i]    = sum_j weight[i, j] * b[j]
//   column_product[j] = sum_i weight[i, j] * a[i]
// A row without any j but its target has log_sum_exp -inf.
//
// CPU: each tile is computed once and serves row_product and column_product. The order of every sum is fixed by the
// sizes alone: the same bits for any number of threads. Memory: about four times a and b. Thread safe.
#pragma once
#include <cstdint>

#include "core/host_device.h"
#include "losses/matmul_precision.h"

namespace singerprint {

struct CrossProblem {
  std::int64_t rows;     // of a
  std::int64_t columns;  // rows of b
  std::int64_t dim;
  double scale;                // 1 / temperature; 1e-6 to 1e6
  const std::int64_t* target;  // (rows,), where a and b lie; nullptr: target(i) = i. Outside b it is no column at all
};

SINGERPRINT_HOST_DEVICE inline std::int64_t target_of(std::int64_t i, const CrossProblem& problem) {
  return problem.target == nullptr ? i : problem.target[i];
}

// a, row_product: (rows, dim), b, column_product: (columns, dim), contiguous, T float or double; log_sum_exp,
// normalizer, pull: (rows,).
template <class T>
void cross_log_sum_exp(const T* a, const T* b, const CrossProblem& problem, double* log_sum_exp);
template <class T>
void cross_softmax_products(const T* a, const T* b, const CrossProblem& problem, const double* normalizer,
                            const double* pull, T* row_product, T* column_product);

// The same on CUDA, deterministic; the precision is that of the products of float32 alone. workspace: as many bytes as
// losses/column_splits.h says, for either product. Returns nullptr or the launch's error.
template <class T>
const char* launch_cross_log_sum_exp(const T* a, const T* b, const CrossProblem& problem, MatmulPrecision precision,
                                     double* log_sum_exp, void* workspace, void* stream);
template <class T>
const char* launch_cross_softmax_products(const T* a, const T* b, const CrossProblem& problem,
                                          MatmulPrecision precision, const double* normalizer, const double* pull,
                                          T* row_product, T* column_product, void* workspace, void* stream);

}  // namespace singerprint
