// contrastive: what NT-Xent and its decoupled form share. Each row of both views is an anchor; its positive is its
// other view, its negatives are all other rows.
//   z = rows of first, then rows of second, each divided by its length;  s[i, j] = <z[i], z[j]>
//   log_sum_exp[i] = log( sum_{j != i, partner(i)} exp(s[i, j] / temperature) )              losses/pairwise.h
//   positive[i]    = s[i, partner(i)] / temperature
//   margin[i]      = log_sum_exp[i] - positive[i]
//   loss           = 1 / (2 batch) sum_i Objective::loss(margin[i])
// An Objective has loss(margin), its derivative miss(margin), kFewestPairs and the names of its ops. For both of ours
//   miss(margin[i]) * exp(s[i, j] / temperature - log_sum_exp[i]) = exp(s[i, j] / temperature - normalizer[i])
// is the weight of a negative in the gradient, with normalizer[i] = positive[i] + loss(margin[i]).
#pragma once
#include <cstdint>

#include "losses/pairwise.h"

namespace singerprint {

inline PairwiseProblem contrastive_problem(std::int64_t batch, std::int64_t dim, double temperature) {
  return {2 * batch, dim, batch, 1.0 / temperature};
}

// The gradient by z: grad_loss times this factor times (negatives' product - pull * z of the partner), the pull being
// what the two directions of the pair miss together.
SINGERPRINT_HOST_DEVICE inline double contrastive_factor(double grad_loss, const PairwiseProblem& problem) {
  return grad_loss * problem.scale / static_cast<double>(problem.rows);
}
template <class T>
SINGERPRINT_HOST_DEVICE inline T with_positive(T product, T partner, double pull, double factor) {
  return static_cast<T>(factor * (static_cast<double>(product) - pull * static_cast<double>(partner)));
}

// CUDA, in this order. z, product: (2 batch, dim) contiguous, T float or double; log_sum_exp, margin, normalizer:
// (2 batch,). Each returns nullptr or the launch's error.
template <class Objective, class T>
const char* launch_contrastive_margins(const T* z, const PairwiseProblem& problem, const double* log_sum_exp,
                                       double* margin, double* normalizer, void* stream);
template <class Objective, class T>
const char* launch_contrastive_loss(const double* margin, std::int64_t anchors, T* loss, void* stream);
// From the product of the negatives to the gradient of the loss by z, in place.
template <class Objective, class T>
const char* launch_contrastive_positives(const T* grad_loss, const T* z, const double* margin,
                                         const PairwiseProblem& problem, T* product, void* stream);

}  // namespace singerprint
