#include "frontend/log_mel.h"

#include "dsp/lane_log.h"

namespace singerprint::SINGERPRINT_ISA {

void log_mel_lanes(const float* power, const MelFilters& filters, float log_offset, std::int64_t frames,
                   std::int64_t row_distance, float* result) {
  for (std::int32_t m = 0; m < filters.n_mels; ++m, result += row_distance) {
    const float* weight = filters.weights + filters.begin[m];
    const float* bins = power + std::int64_t{filters.first_bin[m]} * kLanes;
    std::int32_t left = filters.begin[m + 1] - filters.begin[m];
    Lane sum[4] = {0.0f, 0.0f, 0.0f, 0.0f};  // four chains hide the latency of the fma
    for (; left >= 4; left -= 4, weight += 4, bins += 4 * kLanes) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) sum[i] = multiply_add(weight[i], Lane::load(bins + i * kLanes), sum[i]);
    }
    for (; left > 0; --left, ++weight, bins += kLanes) sum[0] = multiply_add(*weight, Lane::load(bins), sum[0]);
    const Lane level = log((sum[0] + sum[1]) + (sum[2] + sum[3]) + log_offset);
    if (frames >= kLanes) {
      level.store(result);
    } else {
      for (std::int64_t frame = 0; frame < frames; ++frame) result[frame] = level.v[frame];
    }
  }
}

}  // namespace singerprint::SINGERPRINT_ISA
