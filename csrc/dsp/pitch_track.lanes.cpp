#include "dsp/pitch_track.h"

#include "dsp/lane_transpose.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

// ---- y ----

// A tile of y: kLanes stretches of kTileOutputs numbers, side by side in the lanes.
constexpr int kTileOutputs = 64;
constexpr int kOutputsAtOnce = 8;  // so many sums hide the time an fma takes

// Samples that a stretch reads, in whole transposes, and those of a tile.
std::int64_t tile_rows(std::int32_t decimation) {
  const std::int64_t rows = (kTileOutputs - 1 + 2 * kLowPassHalf) * decimation + 1;
  return (rows + kLanes - 1) / kLanes * kLanes;
}
std::int64_t tile_samples(std::int32_t decimation) {
  return (kLanes - 1) * kTileOutputs * decimation + tile_rows(decimation);
}

// to[i] = x[first + i], 0 beyond the ends of the waveform.
void copy_with_zeros(const float* waveform, std::int64_t samples, std::int64_t first, std::int64_t length, float* to) {
  for (std::int64_t i = 0; i < length; ++i) {
    to[i] = first + i >= 0 && first + i < samples ? waveform[first + i] : 0.0f;
  }
}

// A sample that is not finite counts as 0: the frames around it would all be lost.
SINGERPRINT_LANE_INLINE Lane finite_or_zero(Lane x) { return Lane(x.v - x.v == 0.0f ? x.v : FloatVector{}); }

void transpose_tile(const float* samples, std::int32_t decimation, float* rows) {
  for (std::int64_t row = 0; row < tile_rows(decimation); row += kLanes) {
    Lane block[kLanes];
#pragma GCC unroll 16
    for (int lane = 0; lane < kLanes; ++lane) {
      block[lane] = finite_or_zero(Lane::load(samples + lane * kTileOutputs * decimation + row));
    }
    transpose(block);
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) block[i].store(rows + (row + i) * kLanes);
  }
}

// The next kOutputsAtOnce numbers of every stretch.
void filter_rows(const float* rows, const float* low_pass, std::int32_t decimation, float* to) {
  const std::int64_t distance = decimation * kLanes;
  Lane sums[kOutputsAtOnce];
  for (Lane& sum : sums) sum = Lane(0.0f);
  for (std::int32_t tap = 0; tap <= 2 * kLowPassHalf * decimation; ++tap, rows += kLanes) {
    const Lane weight(low_pass[tap]);
#pragma GCC unroll 8
    for (int i = 0; i < kOutputsAtOnce; ++i) sums[i] = multiply_add(weight, Lane::load(rows + i * distance), sums[i]);
  }
#pragma GCC unroll 8
  for (int i = 0; i < kOutputsAtOnce; ++i) sums[i].store(to + i * kLanes);
}

// sums (kTileOutputs, kLanes), to where stretch follows stretch.
void store_tile(const float* sums, float* to) {
  for (int row = 0; row < kTileOutputs; row += kLanes) {
    Lane block[kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) block[i] = Lane::load(sums + (row + i) * kLanes);
    transpose(block);
#pragma GCC unroll 16
    for (int lane = 0; lane < kLanes; ++lane) block[lane].store(to + lane * kTileOutputs + row);
  }
}

// ---- frames ----

float mean_of_frame(const float* frame, std::int32_t length) {
  Lane sum(0.0f);
  std::int32_t n = 0;
  for (; n + kLanes <= length; n += kLanes) sum += Lane::load(frame + n);
  float total = 0.0f;
  for (int lane = 0; lane < kLanes; ++lane) total += sum.v[lane];
  for (; n < length; ++n) total += frame[n];
  return total / static_cast<float>(length);
}

float largest_magnitude(const float* values, std::int32_t length) {
  Lane largest(0.0f);
  std::int32_t n = 0;
  for (; n + kLanes <= length; n += kLanes) {
    const Lane value = Lane::load(values + n);
    largest = max(largest, max(value, -value));
  }
  float result = 0.0f;
  for (int lane = 0; lane < kLanes; ++lane) result = result > largest.v[lane] ? result : largest.v[lane];
  for (; n < length; ++n) {
    const float magnitude = values[n] < 0.0f ? -values[n] : values[n];
    result = result > magnitude ? result : magnitude;
  }
  return result;
}

// ---- peaks ----

// r[l] to row kPeakHalfTaps + l, and before that r[-l] = r[l].
void normalise(const float* ac, const float* inverse_window_ac, std::int32_t lags, float* rows) {
  const Lane inverse_energy = Lane(1.0f) / Lane::load(ac);
  for (std::int32_t lag = 0; lag < lags; ++lag) {
    const Lane r = Lane::load(ac + lag * kLanes) * (Lane(inverse_window_ac[lag]) * inverse_energy);
    r.store(rows + (kPeakHalfTaps + lag) * kLanes);
    if (lag <= kPeakHalfTaps) r.store(rows + (kPeakHalfTaps - lag) * kLanes);
  }
}

// values: the first of kPeakTaps numbers of one lane. Products and sums are rounded apart, as on CUDA.
SINGERPRINT_LANE_INLINE void interpolate(const float* values, const float* peak_weights, float* heights) {
  Lane sums[kPeakRow / kLanes];
  for (Lane& sum : sums) sum = Lane(0.0f);
#pragma GCC unroll 17
  for (int tap = 0; tap < kPeakTaps; ++tap) {
    const Lane value(values[tap * kLanes]);
#pragma GCC unroll 4
    for (int i = 0; i < kPeakRow / kLanes; ++i) {
      sums[i] += Lane::load(peak_weights + tap * kPeakRow + i * kLanes) * value;
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kPeakRow / kLanes; ++i) sums[i].store(heights + i * kLanes);
}

}  // namespace

std::int64_t decimate_work_floats(std::int32_t decimation) {
  return kLanes * (tile_rows(decimation) + 2 * kTileOutputs) + tile_samples(decimation);
}

void decimate_lanes(const float* waveform, std::int64_t samples, const float* low_pass, std::int32_t decimation,
                    std::int64_t count, float* work, float* result) {
  float* const rows = work;
  float* const sums = rows + tile_rows(decimation) * kLanes;
  float* const last = sums + kTileOutputs * kLanes;  // of a tile that reaches over the end of the result
  float* const ends = last + kTileOutputs * kLanes;  // of a tile that reaches over the ends of the waveform
  for (std::int64_t tile = 0; tile < count; tile += kTileOutputs * kLanes) {
    const std::int64_t first = (tile - kLowPassHalf) * decimation;
    const bool inside = first >= 0 && first + tile_samples(decimation) <= samples;
    if (!inside) copy_with_zeros(waveform, samples, first, tile_samples(decimation), ends);
    transpose_tile(inside ? waveform + first : ends, decimation, rows);
    for (int i = 0; i < kTileOutputs; i += kOutputsAtOnce) {
      filter_rows(rows + i * decimation * kLanes, low_pass, decimation, sums + i * kLanes);
    }
    const bool whole = tile + kTileOutputs * kLanes <= count;
    store_tile(sums, whole ? result + tile : last);
    for (std::int64_t i = 0; !whole && tile + i < count; ++i) result[tile + i] = last[i];
  }
}

float centre_frame_lanes(const float* frame, std::int32_t length, float* centred) {
  const float mean = mean_of_frame(frame, length);
  std::int32_t n = 0;
  for (; n + kLanes <= length; n += kLanes) (Lane::load(frame + n) - Lane(mean)).store(centred + n);
  for (; n < length; ++n) centred[n] = frame[n] - mean;
  return largest_magnitude(centred + length / 3, length - 2 * (length / 3));
}

std::int32_t pitch_peaks_lanes(const float* ac, const float* inverse_window_ac, const float* peak_weights,
                               std::int32_t shortest_lag, std::int32_t lags, float* work, PitchPeak* peaks) {
  normalise(ac, inverse_window_ac, lags, work);
  const std::uint32_t sounding = mask_of(Lane::load(ac).v > 0.0f);
  std::int32_t found = 0;
  for (std::int32_t lag = shortest_lag; lag + kPeakHalfTaps < lags; ++lag) {
    const float* const row = work + (kPeakHalfTaps + lag) * kLanes;
    const Lane left = Lane::load(row - kLanes), here = Lane::load(row), right = Lane::load(row + kLanes);
    std::uint32_t mask = sounding & mask_of((here.v > kLowestPeak) & (here.v > left.v) & (here.v >= right.v));
    for (; mask != 0; mask &= mask - 1) {
      PitchPeak& peak = peaks[found++];
      peak.lag = lag;
      peak.lane = __builtin_ctz(mask);
      interpolate(row - kPeakHalfTaps * kLanes + peak.lane, peak_weights, peak.heights);
    }
  }
  return found;
}

}  // namespace singerprint::SINGERPRINT_ISA
