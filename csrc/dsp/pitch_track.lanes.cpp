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
