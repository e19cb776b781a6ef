#include "dsp/magnitude_percentile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace singerprint {
namespace {

float by_sorting(std::vector<float> x, double part) {
  for (float& value : x) value = std::fabs(value);
  std::sort(x.begin(), x.end());
  const double rank = static_cast<double>(x.size() - 1) * part;
  const std::size_t k = static_cast<std::size_t>(rank), next = std::min(k + 1, x.size() - 1);
  return static_cast<float>(x[k] + (rank - static_cast<double>(k)) * (static_cast<double>(x[next]) - x[k]));
}

// What the CUDA kernel does, one thread.
float digit_by_digit(const std::vector<float>& x, double part) {
  const PercentileRank rank = percentile_rank(static_cast<std::int64_t>(x.size()), part);
  std::uint32_t key = 0;
  std::int64_t below = 0, up_to = 0;
  for (int shift = 32 - kDigitBits; shift >= 0; shift -= kDigitBits) {
    std::int64_t at_most[kDigitRange];
    std::fill_n(at_most, kDigitRange, below);
    for (const float value : x) {
      const std::uint32_t digits = magnitude_key(value) >> shift;
      if (digits >> kDigitBits != key) continue;
      for (std::uint32_t d = digits % kDigitRange; d < kDigitRange; ++d) ++at_most[d];
    }
    const int digit = digit_of_rank(at_most, rank.k);
    key = key << kDigitBits | static_cast<std::uint32_t>(digit);
    up_to = at_most[digit];
    if (digit > 0) below = at_most[digit - 1];
  }
  std::uint32_t next = key;
  if (up_to <= rank.k + 1 && rank.k + 1 < static_cast<std::int64_t>(x.size())) {
    next = std::numeric_limits<std::uint32_t>::max();
    for (const float value : x) {
      if (magnitude_key(value) > key) next = std::min(next, magnitude_key(value));
    }
  }
  return between(magnitude_of_key(key), magnitude_of_key(next), rank.beyond);
}

std::vector<std::vector<float>> examples() {
  std::mt19937 generator(0);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> result = {
      {3.0f}, {-1.0f, 2.0f}, std::vector<float>(50, -0.25f), {0.0f, -0.0f, 1e-45f, 1e38f}};
  for (const int samples : {7, 100, 4099}) {
    std::vector<float> x(samples), rounded(samples);
    for (int n = 0; n < samples; ++n) {
      x[n] = normal(generator);
      rounded[n] = std::round(4 * x[n]);  // many equal
    }
    result.push_back(x);
    result.push_back(rounded);
  }
  return result;
}

TEST(MagnitudePercentile, EqualsThatOfTheSortedMagnitudes) {
  for (const std::vector<float>& x : examples()) {
    for (const double part : {0.0, 0.01, 0.307, 0.5, 0.9, 1.0}) {
      const float expected = by_sorting(x, part);
      EXPECT_EQ(magnitude_percentile(x.data(), static_cast<std::int64_t>(x.size()), part), expected);
      EXPECT_EQ(digit_by_digit(x, part), expected);
    }
  }
}

TEST(MagnitudePercentile, InfinityIsLastButNaN) {
  const std::vector<float> x = {INFINITY, 1.0f, -INFINITY, 2.0f, std::nanf("")};
  EXPECT_EQ(magnitude_percentile(x.data(), 5, 0.25), 2.0f);
  EXPECT_EQ(magnitude_percentile(x.data(), 5, 0.5), INFINITY);
  EXPECT_EQ(magnitude_percentile(x.data(), 5, 0.75), INFINITY);
  EXPECT_TRUE(std::isnan(magnitude_percentile(x.data(), 5, 1.0)));
}

}  // namespace
}  // namespace singerprint
