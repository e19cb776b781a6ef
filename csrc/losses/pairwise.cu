#include "losses/pairwise.cuh"

namespace singerprint {
namespace {

// Rows of one matrix among each other.
template <class T>
struct OwnPairs {
  static constexpr bool kByRow = true, kByColumn = true;
  const T *left, *right;
  std::int64_t rows, columns, dim;
  double scale;
  const double* normalizer;
  PairwiseProblem problem;

  OwnPairs(const T* z, const PairwiseProblem& problem, const double* normalizer)
      : left(z),
        right(z),
        rows(problem.rows),
        columns(problem.rows),
        dim(problem.dim),
        scale(problem.scale),
        normalizer(normalizer),
        problem(problem) {}

  __device__ bool leaves_out(std::int64_t row, std::int64_t column) const {
    const Run run = run_of(row, problem);
    return (column >= run.begin && column < run.end) || column == partner_of(row, problem);
  }
  __device__ double weight_left_out(std::int64_t, std::int64_t) const { return 0.0; }
};

}  // namespace

template <class T>
const char* launch_pairwise_log_sum_exp(const T* z, const PairwiseProblem& problem, double* log_sum_exp, void* stream) {
  return launch_log_sum_exp<T>(OwnPairs<T>(z, problem, nullptr), log_sum_exp, stream);
}

template <class T>
const char* launch_pairwise_softmax_product(const T* z, const PairwiseProblem& problem, const double* normalizer,
                                            T* product, void* stream) {
  return launch_softmax_product(OwnPairs<T>(z, problem, normalizer), product, stream);
}

template const char* launch_pairwise_log_sum_exp(const float*, const PairwiseProblem&, double*, void*);
template const char* launch_pairwise_log_sum_exp(const double*, const PairwiseProblem&, double*, void*);
template const char* launch_pairwise_softmax_product(const float*, const PairwiseProblem&, const double*, float*,
                                                     void*);
template const char* launch_pairwise_softmax_product(const double*, const PairwiseProblem&, const double*, double*,
                                                     void*);

}  // namespace singerprint
