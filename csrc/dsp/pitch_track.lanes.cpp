#include "dsp/pitch_track.h"

#include "dsp/lane_transpose.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

// (rows, kLanes) of the frames, less `mean`, times the window: to `to`. Rows beyond the whole blocks one by one.
void gather_frames(const float* const* frames, const float* window, std::int32_t length, Lane mean, float* to) {
  std::int32_t n = 0;
  for (; n + kLanes <= length; n += kLanes) {
    Lane rows[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) rows[lane] = Lane::load(frames[lane] + n);
    transpose(rows);
    for (int i = 0; i < kLanes; ++i) ((rows[i] - mean) * Lane(window[n + i])).store(to + (n + i) * kLanes);
  }
  for (; n < length; ++n) {
    Lane row;
    for (int lane = 0; lane < kLanes; ++lane) row.v[lane] = frames[lane][n];
    ((row - mean) * Lane(window[n])).store(to + n * kLanes);
  }
}

Lane mean_of_frames(const float* const* frames, std::int32_t length) {
  Lane mean;
  for (int lane = 0; lane < kLanes; ++lane) {
    Lane sum(0.0f);
    std::int32_t n = 0;
    for (; n + kLanes <= length; n += kLanes) sum += Lane::load(frames[lane] + n);
    float total = 0.0f;
    for (int i = 0; i < kLanes; ++i) total += sum.v[i];
    for (; n < length; ++n) total += frames[lane][n];
    mean.v[lane] = total / static_cast<float>(length);
  }
  return mean;
}

Lane absolute(Lane x) { return max(x, -x); }

}  // namespace

int pitch_lane_count() { return kLanes; }

void decimate_lanes(const float* waveform, std::int64_t samples, const float* low_pass, std::int32_t decimation,
                    std::int64_t count, float* work, float* result) {
  // phases[p][i] = x[(i - kLowPassHalf) decimation + p]: in each, the taps p, p + decimation ... are neighbours.
  const std::int64_t length = count + 2 * kLowPassHalf + 1;
  for (std::int32_t phase = 0; phase < decimation; ++phase) {
    float* const to = work + phase * (length + kLanes);
    for (std::int64_t i = 0; i < length + kLanes; ++i) {
      const std::int64_t n = (i - kLowPassHalf) * decimation + phase;
      const float sample = n >= 0 && n < samples ? waveform[n] : 0.0f;
      to[i] = sample - sample == 0.0f ? sample : 0.0f;  // not finite: the frames around it would all be lost
    }
  }
  const std::int32_t taps = 2 * kLowPassHalf * decimation + 1;
  for (std::int64_t i = 0; i < count; i += kLanes) {
    Lane sum(0.0f);
    for (std::int32_t tap = 0; tap < taps; ++tap) {
      const float* const phase = work + (tap % decimation) * (length + kLanes);
      sum = multiply_add(Lane(low_pass[tap]), Lane::load(phase + i + tap / decimation), sum);
    }
    if (i + kLanes <= count) {
      sum.store(result + i);
    } else {
      for (std::int64_t lane = 0; i + lane < count; ++lane) result[i + lane] = sum.v[lane];
    }
  }
}

void autocorrelation_lanes(const float* const* frames, const float* window, std::int32_t window_length,
                           std::int32_t lags, float* work, float* result, float* peaks) {
  constexpr int kTile = 8;  // lags at once: nine loads for sixteen fma
  const Lane mean = mean_of_frames(frames, window_length);
  gather_frames(frames, window, window_length, mean, work);
  for (std::int32_t row = window_length; row < window_length + lags + 2 * kTile; ++row) {
    Lane(0.0f).store(work + row * kLanes);
  }
  for (std::int32_t first = 0; first < lags; first += kTile) {
    Lane sums[kTile];
    for (Lane& sum : sums) sum = Lane(0.0f);
    for (std::int32_t n = 0; n < window_length - first; n += 2) {
      const float* const later = work + (n + first) * kLanes;
      const Lane x0 = Lane::load(work + n * kLanes), x1 = Lane::load(work + (n + 1) * kLanes);
      Lane y[kTile + 1];
#pragma GCC unroll 9
      for (int i = 0; i <= kTile; ++i) y[i] = Lane::load(later + i * kLanes);
#pragma GCC unroll 8
      for (int i = 0; i < kTile; ++i) sums[i] = multiply_add(x1, y[i + 1], multiply_add(x0, y[i], sums[i]));
    }
    for (int i = 0; i < kTile && first + i < lags; ++i) sums[i].store(result + (first + i) * kLanes);
  }
  Lane peak(0.0f);
  for (std::int32_t n = window_length / 3; n < window_length - window_length / 3; ++n) {
    Lane row;
    for (int lane = 0; lane < kLanes; ++lane) row.v[lane] = frames[lane][n];
    peak = max(peak, absolute(row - mean));
  }
  peak.store(peaks);
}

}  // namespace singerprint::SINGERPRINT_ISA
