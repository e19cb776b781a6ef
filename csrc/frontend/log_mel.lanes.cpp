#include "frontend/log_mel.h"

#include "dsp/lane_log.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

template <bool kMagnitude>
SINGERPRINT_LANE_INLINE Lane bin_at(const float* power) {
  return kMagnitude ? sqrt(Lane::load(power)) : Lane::load(power);
}

template <bool kMagnitude>
SINGERPRINT_LANE_INLINE Lane filter_sum(const float* power, const MelFilters& filters, std::int32_t m) {
  const float* weight = filters.weights + filters.begin[m];
  const float* bins = power + std::int64_t{filters.first_bin[m]} * kLanes;
  std::int32_t left = filters.begin[m + 1] - filters.begin[m];
  Lane sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};  // four chains hide the latency of the fma
  for (; left >= 4; left -= 4, weight += 4, bins += 4 * kLanes) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) sum[i] = multiply_add(weight[i], bin_at<kMagnitude>(bins + i * kLanes), sum[i]);
  }
  for (; left > 0; --left, ++weight, bins += kLanes) sum[0] = multiply_add(*weight, bin_at<kMagnitude>(bins), sum[0]);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

SINGERPRINT_LANE_INLINE Lane level_of_lanes(Lane sum, const MelLevel<float>& level) {
  if (level.factor == 0.0f) return sum;
  return level.factor * log(max(Lane(level.floor), sum + level.offset));  // of NaN, max gives the second
}

}  // namespace

void log_mel_lanes(const float* power, const MelFilters& filters, bool magnitude, const MelLevel<float>& level,
                   std::int64_t frames, std::int64_t row_distance, float* result) {
  for (std::int32_t m = 0; m < filters.n_mels; ++m, result += row_distance) {
    const Lane sum = magnitude ? filter_sum<true>(power, filters, m) : filter_sum<false>(power, filters, m);
    const Lane y = level_of_lanes(sum, level);
    if (frames >= kLanes) {
      y.store(result);
    } else {
      for (std::int64_t frame = 0; frame < frames; ++frame) result[frame] = y.v[frame];
    }
  }
}

}  // namespace singerprint::SINGERPRINT_ISA
