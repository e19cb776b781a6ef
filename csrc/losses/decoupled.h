// decoupled: NT-Xent without the positive in its denominator (Yeh et al. 2022, "Decoupled Contrastive Learning",
// equation 6, without weights), the mean over both directions of all pairs.
//   z = rows of first, then rows of second, each divided by its length;  s[i, j] = <z[i], z[j]>
//   loss = 1 / (2 batch) sum_i ( log sum_{j != i, partner(i)} exp(s[i, j] / temperature)
//                                - s[i, partner(i)] / temperature )
// A summand is the margin of losses/contrastive.h itself: however well a pair is told apart, it goes on pulling.
#pragma once
#include <cstdint>

#include "losses/contrastive.h"

namespace singerprint {

struct Decoupled {
  static constexpr const char* kName = "decoupled";
  static constexpr const char* kBackwardName = "decoupled_backward";
  static constexpr std::int64_t kFewestPairs = 2;  // the log of an empty sum is -inf
  SINGERPRINT_HOST_DEVICE static double loss(double margin) { return margin; }
  SINGERPRINT_HOST_DEVICE static double miss(double) { return 1.0; }
};

}  // namespace singerprint
