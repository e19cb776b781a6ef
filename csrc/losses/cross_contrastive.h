// cross_contrastive: what cross_decoupled and am_softmax share. Each row of one matrix is an anchor; its positive is a
// row of the other matrix, its negatives are all other rows of that.
//   a, b = rows of both, each divided by its length;  s[i, j] = <a[i], b[j]>
//   log_sum_exp[i] = log( sum_{j != target(i)} exp(scale * s[i, j]) )                     losses/cross_pairwise.h
//   positive[i]    = scale * (s[i, target(i)] - handicap)
//   margin[i]      = log_sum_exp[i] - positive[i]
//   loss           = 1 / rows sum_i Objective::loss(margin[i])
// Objective is one of losses/contrastive.h, and so are normalizer and the weights of the gradient: that by s is
// scale / rows times the weights of losses/cross_pairwise.h, with pull[i] = Objective::miss(margin[i]).
#pragma once
#include <cmath>
#include <cstdint>

#include "losses/contrastive.h"
#include "losses/cross_pairwise.h"

namespace singerprint {

// What one anchor hands to the loss and to the products.
struct CrossAnchor {
  double margin;
  double normalizer;
  double pull;
};

template <class Objective>
SINGERPRINT_HOST_DEVICE inline CrossAnchor cross_anchor(double log_sum_exp, double positive) {
  const double margin = log_sum_exp - positive;
  return {margin, positive + Objective::loss(margin), Objective::miss(margin)};
}

// A target outside b is found on CUDA alone, where to refuse it would wait for the device.
SINGERPRINT_HOST_DEVICE inline bool has_target(std::int64_t i, const CrossProblem& problem) {
  const std::int64_t target = target_of(i, problem);
  return target >= 0 && target < problem.columns;
}

// CUDA. a: (rows, dim), b: (columns, dim) contiguous, T float or double; all else: (rows,). NaN for a row without a
// target. Returns nullptr or the launch's error.
template <class Objective, class T>
const char* launch_cross_anchors(const T* a, const T* b, const CrossProblem& problem, double handicap,
                                 const double* log_sum_exp, double* margin, double* normalizer, double* pull,
                                 void* stream);

}  // namespace singerprint
