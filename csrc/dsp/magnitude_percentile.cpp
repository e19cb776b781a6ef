#include "dsp/magnitude_percentile.h"

#include <algorithm>
#include <vector>

namespace singerprint {
namespace {

constexpr int kUpperBits = 12;  // of 31: the exponent and four bits of the fraction
constexpr int kLowerBits = 31 - kUpperBits;
constexpr int kHistograms = 4;  // in turns: to count the same bucket twice in a row would wait for memory

std::vector<std::int64_t> count_upper_bits(const float* x, std::int64_t samples) {
  constexpr std::size_t kBuckets = std::size_t{1} << kUpperBits;
  std::vector<std::uint32_t> counts(kHistograms * kBuckets);
  for (std::int64_t n = 0; n < samples; ++n) {
    ++counts[static_cast<std::size_t>(n % kHistograms) * kBuckets + (magnitude_key(x[n]) >> kLowerBits)];
  }
  std::vector<std::int64_t> sums(kBuckets);
  for (std::size_t i = 0; i < counts.size(); ++i) sums[i % kBuckets] += counts[i];
  return sums;
}

// The bucket that holds rank k; k becomes the rank within it.
std::uint32_t bucket_of_rank(const std::vector<std::int64_t>& counts, std::int64_t& k) {
  std::uint32_t bucket = 0;
  for (; k >= counts[bucket]; ++bucket) k -= counts[bucket];
  return bucket;
}

}  // namespace

float magnitude_percentile(const float* x, std::int64_t samples, double part) {
  const PercentileRank rank = percentile_rank(samples, part);
  const std::vector<std::int64_t> counts = count_upper_bits(x, samples);
  std::int64_t k = rank.k, next = std::min(rank.k + 1, samples - 1);
  const std::uint32_t first = bucket_of_rank(counts, k), last = bucket_of_rank(counts, next);
  std::vector<std::uint32_t> keys;
  for (std::int64_t n = 0; n < samples; ++n) {
    const std::uint32_t key = magnitude_key(x[n]);
    if (key >> kLowerBits >= first && key >> kLowerBits <= last) keys.push_back(key);
  }
  const auto at = keys.begin() + k;
  std::nth_element(keys.begin(), at, keys.end());
  const auto above = at + 1 == keys.end() ? at : std::min_element(at + 1, keys.end());
  return between(magnitude_of_key(*at), magnitude_of_key(*above), rank.beyond);
}

}  // namespace singerprint
