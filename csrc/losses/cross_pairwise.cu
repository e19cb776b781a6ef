#include "losses/cross_pairwise.h"

#include "losses/pairwise.cuh"

namespace singerprint {

template <class T>
const char* launch_cross_log_sum_exp(const T* a, const T* b, const CrossProblem& problem, MatmulPrecision precision,
                                     double* log_sum_exp, void* workspace, void* stream) {
  const CrossPairs<T, false> pairs(a, b, problem, nullptr, nullptr);
  return launch_log_sum_exp<T>(pairs, precision, log_sum_exp, workspace, stream);
}

template <class T>
const char* launch_cross_softmax_products(const T* a, const T* b, const CrossProblem& problem,
                                          MatmulPrecision precision, const double* normalizer, const double* pull,
                                          T* row_product, T* column_product, void* workspace, void* stream) {
  const CrossPairs<T, false> by_row(a, b, problem, normalizer, pull);
  if (const char* error = launch_softmax_product(by_row, precision, row_product, workspace, stream)) return error;
  const CrossPairs<T, true> by_column(a, b, problem, normalizer, pull);
  return launch_softmax_product(by_column, precision, column_product, workspace, stream);
}

template const char* launch_cross_log_sum_exp(const float*, const float*, const CrossProblem&, MatmulPrecision, double*,
                                              void*, void*);
template const char* launch_cross_log_sum_exp(const double*, const double*, const CrossProblem&, MatmulPrecision,
                                              double*, void*, void*);
template const char* launch_cross_softmax_products(const float*, const float*, const CrossProblem&, MatmulPrecision,
                                                   const double*, const double*, float*, float*, void*, void*);
template const char* launch_cross_softmax_products(const double*, const double*, const CrossProblem&, MatmulPrecision,
                                                   const double*, const double*, double*, double*, void*, void*);

}  // namespace singerprint
