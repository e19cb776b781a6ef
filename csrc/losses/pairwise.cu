#include "losses/pairwise.cuh"

namespace singerprint {

template <class T>
const char* launch_pairwise_log_sum_exp(const T* z, const PairwiseProblem& problem, MatmulPrecision precision,
                                        double* log_sum_exp, void* workspace, void* stream) {
  return launch_log_sum_exp<T>(OwnPairs<T>(z, problem, nullptr), precision, log_sum_exp, workspace, stream);
}

template <class T>
const char* launch_pairwise_softmax_product(const T* z, const PairwiseProblem& problem, MatmulPrecision precision,
                                            const double* normalizer, T* product, void* workspace, void* stream) {
  return launch_softmax_product(OwnPairs<T>(z, problem, normalizer), precision, product, workspace, stream);
}

template const char* launch_pairwise_log_sum_exp(const float*, const PairwiseProblem&, MatmulPrecision, double*, void*,
                                                 void*);
template const char* launch_pairwise_log_sum_exp(const double*, const PairwiseProblem&, MatmulPrecision, double*, void*,
                                                 void*);
template const char* launch_pairwise_softmax_product(const float*, const PairwiseProblem&, MatmulPrecision,
                                                     const double*, float*, void*, void*);
template const char* launch_pairwise_softmax_product(const double*, const PairwiseProblem&, MatmulPrecision,
                                                     const double*, double*, void*, void*);

}  // namespace singerprint
