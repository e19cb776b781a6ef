#include "frontend/resample.h"

#include "core/lane.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

// The weights between four rows of the grid.
void interpolate_row(const ResampleRows<float>& rows, const ResamplePlace<float>& place, float* row) {
  std::int64_t tap = 0;
  for (; tap + kLanes <= rows.taps; tap += kLanes) {
    Lane sum = place.share[0] * Lane::load(place.row + tap);
#pragma GCC unroll 3
    for (int i = 1; i < 4; ++i) {
      sum = multiply_add(Lane(place.share[i]), Lane::load(place.row + i * rows.row_distance + tap), sum);
    }
    sum.store(row + tap);
  }
  for (; tap < rows.taps; ++tap) row[tap] = resample_weight(rows, place, tap);
}

// Four chains of additions, so that none waits for the one before it; each lane's sum is short and its error small.
float dot(const float* weights, const float* waveform, std::int64_t count) {
  Lane sums[4] = {Lane(0.0f), Lane(0.0f), Lane(0.0f), Lane(0.0f)};
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
#pragma GCC unroll 4
    for (int chain = 0; chain < 4; ++chain) {
      const std::int64_t at = i + chain * kLanes;
      sums[chain] = multiply_add(Lane::load(weights + at), Lane::load(waveform + at), sums[chain]);
    }
  }
  for (; i + kLanes <= count; i += kLanes) {
    sums[0] = multiply_add(Lane::load(weights + i), Lane::load(waveform + i), sums[0]);
  }
  const Lane sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  float parts[kLanes], total = 0.0f;
  sum.store(parts);
  for (; i < count; ++i) total = fused(weights[i], waveform[i], total);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) parts[lane] += parts[lane + half];
  }
  return parts[0] + total;
}

}  // namespace

void resample_sum_lanes(const ResampleRows<float>& rows, const float* const* clips, std::int64_t clip_count,
                        std::int64_t samples, std::int64_t begin, std::int64_t end, float* row, float* const* results) {
  for (std::int64_t m = begin; m < end; ++m) {
    const ResamplePlace<float> place = resample_place(rows, m);
    if (!rows.exact) interpolate_row(rows, place, row);
    const float* const weights = rows.exact ? place.row : row;
    const std::int64_t first = place.first < 0 ? -place.first : 0, left = samples - place.first;
    const std::int64_t last = left < rows.taps ? left : rows.taps;
    for (std::int64_t clip = 0; clip < clip_count; ++clip) {
      results[clip][m - begin] =
          last > first ? dot(weights + first, clips[clip] + place.first + first, last - first) : 0.0f;
    }
  }
}

}  // namespace singerprint::SINGERPRINT_ISA
