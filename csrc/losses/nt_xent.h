// nt_xent: normalised temperature-scaled cross entropy (Chen et al. 2020, "A Simple Framework for Contrastive Learning
// of Visual Representations", equation 1), the mean over both directions of all pairs.
//   z = rows of first, then rows of second, each divided by its length;  s[i, j] = <z[i], z[j]>
//   loss = 1 / (2 batch) sum_i ( log sum_{j != i} exp(s[i, j] / temperature) - s[i, partner(i)] / temperature )
// With log_sum_exp over the negatives alone and margin[i] = log_sum_exp[i] - s[i, partner(i)] / temperature, a summand
// is log(1 + exp(margin)) and the softmax misses its target by 1 / (1 + exp(-margin)): never a difference of nearly
// equal numbers, however small the loss. All else is losses/contrastive.h.
#pragma once
#include <cmath>
#include <cstdint>

#include "losses/contrastive.h"

namespace singerprint {

// One anchor's part of the loss; 0 for margin = -inf (no negatives).
SINGERPRINT_HOST_DEVICE inline double anchor_loss(double margin) {
  return (margin < 0.0 ? 0.0 : margin) + log1p(exp(-fabs(margin)));
}

// 1 - softmax at the partner.
SINGERPRINT_HOST_DEVICE inline double anchor_miss(double margin) { return 1.0 / (1.0 + exp(-margin)); }

struct NtXent {
  static constexpr const char* kName = "nt_xent";
  static constexpr const char* kBackwardName = "nt_xent_backward";
  static constexpr std::int64_t kFewestPairs = 1;
  SINGERPRINT_HOST_DEVICE static double loss(double margin) { return anchor_loss(margin); }
  SINGERPRINT_HOST_DEVICE static double miss(double margin) { return anchor_miss(margin); }
};

}  // namespace singerprint
