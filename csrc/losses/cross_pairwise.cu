#include "losses/cross_pairwise.h"

#include "losses/pairwise.cuh"

namespace singerprint {
namespace {

// Rows of a and columns of b; turned: rows of b and columns of a.
template <class T, bool kTurned>
struct CrossPairs {
  static constexpr bool kByRow = !kTurned, kByColumn = kTurned;
  const T *left, *right;
  std::int64_t rows, columns, dim;
  double scale;
  const double *normalizer, *pull;  // of the rows of a
  CrossProblem problem;

  CrossPairs(const T* a, const T* b, const CrossProblem& problem, const double* normalizer, const double* pull)
      : left(kTurned ? b : a),
        right(kTurned ? a : b),
        rows(kTurned ? problem.columns : problem.rows),
        columns(kTurned ? problem.rows : problem.columns),
        dim(problem.dim),
        scale(problem.scale),
        normalizer(normalizer),
        pull(pull),
        problem(problem) {}

  __device__ bool leaves_out(std::int64_t row, std::int64_t column) const {
    return kTurned ? row == target_of(column, problem) : column == target_of(row, problem);
  }
  __device__ double weight_left_out(std::int64_t row, std::int64_t column) const {
    return -pull[kTurned ? column : row];
  }
};

}  // namespace

template <class T>
const char* launch_cross_log_sum_exp(const T* a, const T* b, const CrossProblem& problem, double* log_sum_exp,
                                     void* stream) {
  return launch_log_sum_exp<T>(CrossPairs<T, false>(a, b, problem, nullptr, nullptr), log_sum_exp, stream);
}

template <class T>
const char* launch_cross_softmax_products(const T* a, const T* b, const CrossProblem& problem, const double* normalizer,
                                          const double* pull, T* row_product, T* column_product, void* stream) {
  if (const char* error =
          launch_softmax_product(CrossPairs<T, false>(a, b, problem, normalizer, pull), row_product, stream)) {
    return error;
  }
  return launch_softmax_product(CrossPairs<T, true>(a, b, problem, normalizer, pull), column_product, stream);
}

template const char* launch_cross_log_sum_exp(const float*, const float*, const CrossProblem&, double*, void*);
template const char* launch_cross_log_sum_exp(const double*, const double*, const CrossProblem&, double*, void*);
template const char* launch_cross_softmax_products(const float*, const float*, const CrossProblem&, const double*,
                                                   const double*, float*, float*, void*);
template const char* launch_cross_softmax_products(const double*, const double*, const CrossProblem&, const double*,
                                                   const double*, double*, double*, void*);

}  // namespace singerprint
