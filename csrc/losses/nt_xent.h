// nt_xent: normalised temperature-scaled cross entropy (Chen et al. 2020, "A Simple Framework for Contrastive Learning
// of Visual Representations", equation 1), the mean over both directions of all pairs.
//   z = rows of first, then rows of second, each divided by its length;  s[i, j] = <z[i], z[j]>
//   loss = 1 / (2 batch) sum_i ( log sum_{j != i} exp(s[i, j] / temperature) - s[i, partner(i)] / temperature )
// With log_sum_exp over the negatives alone and margin[i] = log_sum_exp[i] - s[i, partner(i)] / temperature, a summand
// is log(1 + exp(margin)) and the softmax misses its target by 1 / (1 + exp(-margin)): never a difference of nearly
// equal numbers, however small the loss.
#pragma once
#include <cmath>
#include <cstdint>

#include "losses/pairwise.h"

namespace singerprint {

// One anchor's part of the loss; 0 for margin = -inf (no negatives).
SINGERPRINT_HOST_DEVICE inline double anchor_loss(double margin) {
  return (margin < 0.0 ? 0.0 : margin) + log1p(exp(-fabs(margin)));
}

// 1 - softmax at the partner.
SINGERPRINT_HOST_DEVICE inline double anchor_miss(double margin) { return 1.0 / (1.0 + exp(-margin)); }

inline PairwiseProblem nt_xent_problem(std::int64_t batch, std::int64_t dim, double temperature) {
  return {2 * batch, dim, batch, 1.0 / temperature};
}

// The gradient by z: grad_loss times this factor times (negatives' product - pull * z of the partner), the pull being
// what the two directions of the pair miss together.
SINGERPRINT_HOST_DEVICE inline double nt_xent_factor(double grad_loss, const PairwiseProblem& problem) {
  return grad_loss * problem.scale / static_cast<double>(problem.rows);
}
template <class T>
SINGERPRINT_HOST_DEVICE inline T with_positive(T product, T partner, double pull, double factor) {
  return static_cast<T>(factor * (static_cast<double>(product) - pull * static_cast<double>(partner)));
}

// CUDA, in this order. z, product: (2 batch, dim) contiguous, T float or double; margin, normalizer: (2 batch,), the
// normalizer being the log sum exp with the positive in it. Each returns nullptr or the launch's error.
template <class T>
const char* launch_nt_xent_margins(const T* z, const PairwiseProblem& problem, const double* log_sum_exp,
                                   double* margin, double* normalizer, void* stream);
template <class T>
const char* launch_nt_xent_loss(const double* margin, std::int64_t anchors, T* loss, void* stream);
// From the product of the negatives to the gradient of the loss by z, in place.
template <class T>
const char* launch_nt_xent_positives(const T* grad_loss, const T* z, const double* margin,
                                     const PairwiseProblem& problem, T* product, void* stream);

}  // namespace singerprint
