#include "losses/cross_pairwise.h"

#include "losses/pairwise.cuh"

namespace singerprint {
namespace {

template <class T>
struct CrossPairs {
  const T *left, *right;
  std::int64_t rows, columns, dim;
  double scale;
  const double *normalizer, *pull;  // of the rows of a
  CrossProblem problem;
};

// Rows of a and columns of b.
template <class T>
struct RowPairs : CrossPairs<T> {
  static constexpr bool kByRow = true, kByColumn = false;
  RowPairs(const T* a, const T* b, const CrossProblem& problem, const double* normalizer, const double* pull)
      : CrossPairs<T>{a, b, problem.rows, problem.columns, problem.dim, problem.scale, normalizer, pull, problem} {}
  __device__ bool leaves_out(std::int64_t row, std::int64_t column) const {
    return column == target_of(row, this->problem);
  }
  __device__ double weight_left_out(std::int64_t row, std::int64_t) const { return -this->pull[row]; }
};

// The same, turned over: rows of b and columns of a.
template <class T>
struct ColumnPairs : CrossPairs<T> {
  static constexpr bool kByRow = false, kByColumn = true;
  ColumnPairs(const T* a, const T* b, const CrossProblem& problem, const double* normalizer, const double* pull)
      : CrossPairs<T>{b, a, problem.columns, problem.rows, problem.dim, problem.scale, normalizer, pull, problem} {}
  __device__ bool leaves_out(std::int64_t row, std::int64_t column) const {
    return row == target_of(column, this->problem);
  }
  __device__ double weight_left_out(std::int64_t, std::int64_t column) const { return -this->pull[column]; }
};

}  // namespace

template <class T>
const char* launch_cross_log_sum_exp(const T* a, const T* b, const CrossProblem& problem, double* log_sum_exp,
                                     void* stream) {
  return launch_log_sum_exp<T>(RowPairs<T>(a, b, problem, nullptr, nullptr), log_sum_exp, stream);
}

template <class T>
const char* launch_cross_softmax_products(const T* a, const T* b, const CrossProblem& problem, const double* normalizer,
                                          const double* pull, T* row_product, T* column_product, void* stream) {
  if (const char* error = launch_softmax_product(RowPairs<T>(a, b, problem, normalizer, pull), row_product, stream)) {
    return error;
  }
  return launch_softmax_product(ColumnPairs<T>(a, b, problem, normalizer, pull), column_product, stream);
}

template const char* launch_cross_log_sum_exp(const float*, const float*, const CrossProblem&, double*, void*);
template const char* launch_cross_log_sum_exp(const double*, const double*, const CrossProblem&, double*, void*);
template const char* launch_cross_softmax_products(const float*, const float*, const CrossProblem&, const double*,
                                                   const double*, float*, float*, void*);
template const char* launch_cross_softmax_products(const double*, const double*, const CrossProblem&, const double*,
                                                   const double*, double*, double*, void*);

}  // namespace singerprint
