#include "dsp/phase_grid.h"

#include "core/lane.h"
#include "dsp/grid_taps.h"

namespace singerprint::SINGERPRINT_ISA {

void spread_to_grid_lanes(const float* waveform, std::int64_t spacing, const float* rising_window,
                          const IntervalPhase& phase, const GridKernel& kernel, std::int32_t points, float* work,
                          float* folded) {
  const std::int32_t length = grid_table_length(points), copy = 2 * length, half = points / 2;
  for (std::int32_t i = 0; i < kWorkCopies * copy; ++i) work[i] = 0.0f;
  for (std::int64_t n = 0; n < spacing; n += kLanes) {
    const Lane sample = Lane::load(waveform + n), rising = sample * Lane::load(rising_window + n);
    add_taps({sample - rising, rising}, work, length, points, taps_at(phase, n, kernel, points));
  }
  for (int other = 1; other < kWorkCopies; ++other) {
    for (std::int32_t i = 0; i < copy; ++i) work[i] += work[other * copy + i];
  }
  constexpr std::int32_t kBefore = kGridTaps / 2;
  for (int set = 0; set < 2; ++set) {
    float* const sums = work + set * length;
    for (std::int32_t i = length - 1; i >= points; --i) sums[i - points] += sums[i];  // round the circle
    for (std::int32_t i = 0; i < kBefore; ++i) sums[points + i] = sums[i];
    const float *const left = sums + kBefore, *const right = left + points - 1;
    for (std::int32_t j = 0; j < half; ++j) {
      folded[set * half + j] = left[j] + right[-j];
      folded[(2 + set) * half + j] = left[j] - right[-j];
    }
  }
}

namespace {

// kCount lanes of columns.
template <int kCount>
SINGERPRINT_LANE_INLINE void sum_columns(const float* weights, std::int32_t rows, const float* cosine,
                                         const float* sine, std::int32_t columns, float* result) {
  Lane sums[4][kCount];
  for (int c = 0; c < kCount; ++c) sums[0][c] = sums[1][c] = sums[2][c] = sums[3][c] = Lane(0.0f);
  for (std::int32_t row = 0; row < rows; ++row) {
    const float* const w = weights + row;
#pragma GCC unroll 4
    for (int c = 0; c < kCount; ++c) {
      const Lane x = Lane::load(cosine + row * columns + c * kLanes), y = Lane::load(sine + row * columns + c * kLanes);
      sums[0][c] = multiply_add(w[0], x, sums[0][c]);
      sums[1][c] = multiply_add(w[rows], x, sums[1][c]);
      sums[2][c] = multiply_add(w[2 * rows], y, sums[2][c]);
      sums[3][c] = multiply_add(w[3 * rows], y, sums[3][c]);
    }
  }
  for (int sum = 0; sum < 4; ++sum) {
    for (int c = 0; c < kCount; ++c) sums[sum][c].store(result + sum * columns + c * kLanes);
  }
}

}  // namespace

void sum_rows_lanes(const float* weights, std::int32_t rows, const float* cosine, const float* sine,
                    std::int32_t columns, float* result) {
  constexpr int kCount = 3;  // twelve sums and what they need stay in registers
  std::int32_t column = 0;
  for (; column + kCount * kLanes <= columns; column += kCount * kLanes) {
    sum_columns<kCount>(weights, rows, cosine + column, sine + column, columns, result + column);
  }
  for (; column < columns; column += kLanes) {
    sum_columns<1>(weights, rows, cosine + column, sine + column, columns, result + column);
  }
}

void unfold_table_lanes(const float* sums, std::int32_t points, float* table) {
  constexpr std::int32_t kBefore = kGridTaps / 2;
  const std::int32_t half = points / 2, length = grid_table_length(points);
  for (int set = 0; set < 2; ++set) {
    const float *const even = sums + set * half, *const odd = sums + (2 + set) * half;
    float* const to = table + set * length;
    for (std::int32_t j = 0; j < half; ++j) to[kBefore + j] = even[j] - odd[j];
    for (std::int32_t j = 0; j < half; ++j) to[kBefore + points - 1 - j] = even[j] + odd[j];
    for (std::int32_t i = 0; i < kBefore; ++i) to[i] = to[points + i];
    for (std::int32_t i = points + kBefore; i < length; ++i) to[i] = to[i - points];
  }
}

void read_table_lanes(const float* table, std::int32_t points, std::int64_t spacing, const float* rising_window,
                      const IntervalPhase& phase, const GridKernel& kernel, float* sum) {
  const std::int32_t length = grid_table_length(points);
  for (std::int64_t n = 0; n < spacing; n += kLanes) {
    const LanePair sums = read_taps(table, length, points, taps_at(phase, n, kernel, points));
    multiply_add(sums.second - sums.first, Lane::load(rising_window + n), sums.first).store(sum + n);
  }
}

}  // namespace singerprint::SINGERPRINT_ISA
