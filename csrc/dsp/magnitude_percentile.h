// magnitude_percentile: the value below which a part of the magnitudes |x[n]| lies, between two of them linearly.
//   v = the magnitudes in ascending order, rank = (samples - 1) part, k = floor(rank)
//   v[k] + (rank - k) (v[k + 1] - v[k])
//
// The bits of a magnitude, read as an integer, are in the order of the magnitudes (infinity and then NaN last). The CPU
// counts their upper bits and sorts out what is left. CUDA finds v[k] digit by digit: of its kDigitBits highest bits
// not yet known, kDigitRange numbers say how many magnitudes are at or below each.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/host_device.h"

namespace singerprint {

inline constexpr int kDigitBits = 4;
inline constexpr int kDigitRange = 1 << kDigitBits;

SINGERPRINT_HOST_DEVICE inline std::uint32_t magnitude_key(float x) {
  std::uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  return bits & 0x7fffffffu;
}

SINGERPRINT_HOST_DEVICE inline float magnitude_of_key(std::uint32_t key) {
  float magnitude;
  memcpy(&magnitude, &key, sizeof(magnitude));
  return magnitude;
}

struct PercentileRank {
  std::int64_t k;
  double beyond;  // of v[k], in [0, 1)
};

// part in [0, 1], samples >= 1.
SINGERPRINT_HOST_DEVICE inline PercentileRank percentile_rank(std::int64_t samples, double part) {
  const double rank = static_cast<double>(samples - 1) * part;
  const std::int64_t k = static_cast<std::int64_t>(rank);
  return {k, rank - static_cast<double>(k)};
}

SINGERPRINT_HOST_DEVICE inline float between(float low, float high, double beyond) {
  if (beyond == 0) return low;  // infinity - infinity would be NaN
  return static_cast<float>(low + beyond * (static_cast<double>(high) - low));
}

// The first digit whose count is above k. at_most[d]: how many of the keys that share the digits already known have one
// of at most d here, and how many keys there are below those.
SINGERPRINT_HOST_DEVICE inline int digit_of_rank(const std::int64_t* at_most, std::int64_t k) {
  int digit = 0;
  while (digit + 1 < kDigitRange && at_most[digit] <= k) ++digit;
  return digit;
}

// x: (samples), samples >= 1; part in [0, 1].
float magnitude_percentile(const float* x, std::int64_t samples, double part);

}  // namespace singerprint
