// cross_decoupled: the contrastive loss as Torres et al. released it ("Singer Identity Representation Learning Using
// Self-Supervised Techniques", ISMIR 2023; model CONT): decoupled, anchors from one view, negatives from the other.
//   a, b = rows of first and second, each divided by its length;  s[i, j] = <a[i], b[j]>
//   loss = 1 / batch sum_i ( log sum_{j != i} exp(s[i, j] / temperature) - s[i, i] / temperature )
// losses/cross_contrastive.h with target(i) = i and no handicap; a summand is the margin itself, as in
// losses/decoupled.h.
#pragma once
#include "losses/cross_contrastive.h"
#include "losses/decoupled.h"

namespace singerprint {

inline CrossProblem cross_decoupled_problem(std::int64_t batch, std::int64_t dim, double temperature) {
  return {batch, batch, dim, 1.0 / temperature, nullptr};
}

}  // namespace singerprint
