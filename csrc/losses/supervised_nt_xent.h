// supervised_nt_xent: NT-Xent (losses/nt_xent.h) where a singer may have any number of rows. Each row is an anchor; its
// positives are the other rows of its singer, its negatives the rows of all other singers.
//   z = rows of embeddings, each divided by its length, sorted by singer;  s[i, j] = <z[i], z[j]> / temperature
//   log_sum_exp[i] = log( sum_{j of other singers} exp(s[i, j]) )                               losses/pairwise.h
//   margin[i, p]   = log_sum_exp[i] - s[i, p]
//   loss[i]        = mean of log(1 + exp(margin[i, p])) over the positives p of i
//   loss           = mean of loss[i] over the anchors i that have a positive
// With miss[i, p] = 1 / (1 + exp(-margin[i, p])) and its mean over p, miss[i], the weight of a negative in the gradient
// is miss[i] * exp(s[i, j] - log_sum_exp[i]) = exp(s[i, j] - normalizer[i]), 0 for a row without a positive.
//
// Sorted, the rows of a singer are a run, which the sums of losses/pairwise.h leave out. Source: Chen et al. 2020,
// equation 1, for each pair of the same label, as pytorch-metric-learning's NTXentLoss has it.
#pragma once
#include <cmath>
#include <cstdint>

#include "losses/nt_xent.h"
#include "losses/pairwise.h"

namespace singerprint {

// The sums over the positives of one anchor; p of its run in order, but for the anchor itself.
struct PositiveSums {
  double loss = 0.0;
  double miss = 0.0;

  SINGERPRINT_HOST_DEVICE void add(double margin) {
    loss += anchor_loss(margin);
    miss += anchor_miss(margin);
  }
};

struct SupervisedAnchor {
  double loss;
  double normalizer;
};

SINGERPRINT_HOST_DEVICE inline SupervisedAnchor supervised_anchor(const PositiveSums& sums, std::int64_t positives,
                                                                  double log_sum_exp) {
  if (positives == 0) return {0.0, INFINITY};
  const auto count = static_cast<double>(positives);
  const double miss = sums.miss / count;
  return {sums.loss / count, miss == 0.0 ? INFINITY : log_sum_exp - log(miss)};
}

// How strongly i and p, `positives` rows beside either, pull at each other.
SINGERPRINT_HOST_DEVICE inline double supervised_pull(double log_sum_exp_i, double log_sum_exp_p, double similarity,
                                                      std::int64_t positives) {
  return (anchor_miss(log_sum_exp_i - similarity) + anchor_miss(log_sum_exp_p - similarity)) /
         static_cast<double>(positives);
}

// The gradient by z: this factor times (product of the negatives - sum of pull * z[p] over the positives).
SINGERPRINT_HOST_DEVICE inline double supervised_factor(double grad_loss, double scale, std::int64_t anchors) {
  return grad_loss * scale / static_cast<double>(anchors);
}

// CUDA. z, product: (rows, dim) contiguous, T float or double; log_sum_exp, losses, normalizer: (rows,); anchors: (),
// the number of rows with a positive. Return nullptr or the launch's error.
template <class T>
const char* launch_supervised_anchors(const T* z, const PairwiseProblem& problem, const double* log_sum_exp,
                                      double* losses, double* normalizer, void* stream);
template <class T>
const char* launch_supervised_loss(const double* losses, std::int64_t rows, const std::int64_t* anchors, T* loss,
                                   void* stream);
// From the product of the negatives to the gradient of the loss by z, in place.
template <class T>
const char* launch_supervised_positives(const T* grad_loss, const T* z, const PairwiseProblem& problem,
                                        const double* log_sum_exp, const std::int64_t* anchors, T* product,
                                        void* stream);

}  // namespace singerprint
