#include "dsp/phase_grid.h"

#include "core/lane.h"
#include "dsp/lane_transpose.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

constexpr int kRow = 2 * kGridTaps;  // numbers of a sample: its taps, of both halves or sets
constexpr int kBlocks = kRow / kLanes;

// Where kLanes samples lie: the first of the points that they touch, four before the grid being 0, and their weights.
struct Taps {
  IntVector first;
  Lane weights[kGridTaps];
};

SINGERPRINT_LANE_INLINE Lane cubic(const float (&c)[4], Lane v) {
  return multiply_add(multiply_add(multiply_add(Lane(c[3]), v, c[2]), v, c[1]), v, c[0]);
}

// At samples n, n + 1 ... of an interval.
SINGERPRINT_LANE_INLINE Taps taps_at(const IntervalPhase& phase, std::int64_t n, const GridKernel& kernel,
                                     std::int32_t points) {
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const Lane turns = within_half_a_turn(phase_at(phase, ramp(static_cast<float>(n))));
  const auto size = static_cast<float>(points);
  const Lane at = multiply_add(turns, size, 0.5f * size - 1.0f);  // -1 .. points - 1
  const Lane shifted = max(at, -1.0f) + kRound;                   // NaN counts as -1: it reads the table too
  const Lane u = at - (shifted - kRound), square = u * u;
  Taps taps;
  taps.first = (IntVector)shifted.v - ((IntVector)(FloatVector{} + kRound) - 1);
#pragma GCC unroll 4
  for (int tap = 0; tap < kGridTaps / 2; ++tap) {
    const Lane even = cubic(kernel.even[tap], square), odd = u * cubic(kernel.odd[tap], square);
    taps.weights[tap] = even + odd;
    taps.weights[kGridTaps - 1 - tap] = even - odd;
  }
  return taps;
}

}  // namespace

void spread_to_grid_lanes(const float* waveform, std::int64_t spacing, const float* rising_window,
                          const IntervalPhase& phase, const GridKernel& kernel, std::int32_t points, float* work,
                          float* folded) {
  const std::int64_t copy = 2 * (points + kGridTaps);
  for (std::int64_t i = 0; i < kGridCopies * copy; ++i) work[i] = 0.0f;
  for (std::int64_t n = 0; n < spacing; n += kLanes) {
    const Taps taps = taps_at(phase, n, kernel, points);
    const Lane sample = Lane::load(waveform + n), rising = sample * Lane::load(rising_window + n);
    const Lane falling = sample - rising;
    std::int32_t first[kLanes];
    std::memcpy(first, &taps.first, sizeof(first));
#pragma GCC unroll 4
    for (int block = 0; block < kBlocks; ++block) {
      Lane rows[kLanes];
#pragma GCC unroll 8
      for (int i = 0; i < kLanes / 2; ++i) {
        const Lane weight = taps.weights[block * kLanes / 2 + i];
        rows[2 * i] = weight * falling;
        rows[2 * i + 1] = weight * rising;
      }
      transpose(rows);
      // A sum waits for the last one at the same points: neighbours have copies of their own.
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) {
        float* const to = work + (i % kGridCopies) * copy + 2 * first[i] + block * kLanes;
        (Lane::load(to) + rows[i]).store(to);
      }
    }
  }
  const auto at = [&](std::int32_t index) {
    float sum = 0.0f;
    for (int c = 0; c < kGridCopies; ++c) sum += work[c * copy + index];
    return sum;
  };
  constexpr std::int32_t kBefore = kGridTaps / 2;
  for (std::int64_t i = 0; i < copy; ++i) work[i] = at(static_cast<std::int32_t>(i));
  for (std::int32_t i = 0; i < 2 * kBefore; ++i) {  // points beyond an end are those at the other
    work[2 * points + i] += work[i];
    work[2 * kBefore + i] += work[2 * (points + kBefore) + i];
  }
  for (std::int32_t j = 0; j < points / 2; ++j) {
    const float* const left = work + 2 * (kBefore + j);
    const float* const right = work + 2 * (kBefore + points - 1 - j);
    folded[4 * j] = left[0] + right[0];
    folded[4 * j + 1] = left[1] + right[1];
    folded[4 * j + 2] = left[0] - right[0];
    folded[4 * j + 3] = left[1] - right[1];
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
    const float* const w = weights + 4 * row;
#pragma GCC unroll 4
    for (int c = 0; c < kCount; ++c) {
      const Lane x = Lane::load(cosine + row * columns + c * kLanes), y = Lane::load(sine + row * columns + c * kLanes);
      sums[0][c] = multiply_add(w[0], x, sums[0][c]);
      sums[1][c] = multiply_add(w[1], x, sums[1][c]);
      sums[2][c] = multiply_add(w[2], y, sums[2][c]);
      sums[3][c] = multiply_add(w[3], y, sums[3][c]);
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
  const std::int32_t half = points / 2;
  for (int set = 0; set < 2; ++set) {
    const float *const even = sums + set * half, *const odd = sums + (2 + set) * half;
    float* const to = table + 2 * kBefore + set;
    for (std::int32_t j = 0; j < half; ++j) to[2 * j] = even[j] - odd[j];
    for (std::int32_t j = 0; j < half; ++j) to[2 * (points - 1 - j)] = even[j] + odd[j];
  }
  for (std::int32_t i = 0; i < 2 * kBefore; ++i) {
    table[i] = table[2 * points + i];
    table[2 * (points + kBefore) + i] = table[2 * kBefore + i];
  }
}

void read_table_lanes(const float* table, std::int32_t points, std::int64_t spacing, const float* rising_window,
                      const IntervalPhase& phase, const GridKernel& kernel, float* sum) {
  for (std::int64_t n = 0; n < spacing; n += kLanes) {
    const Taps taps = taps_at(phase, n, kernel, points);
    std::int32_t first[kLanes];
    std::memcpy(first, &taps.first, sizeof(first));
    Lane from(0.0f), to(0.0f);
#pragma GCC unroll 4
    for (int block = 0; block < kBlocks; ++block) {
      Lane rows[kLanes];
      for (int i = 0; i < kLanes; ++i) rows[i] = Lane::load(table + 2 * first[i] + block * kLanes);
      transpose(rows);
#pragma GCC unroll 8
      for (int i = 0; i < kLanes / 2; ++i) {
        const Lane weight = taps.weights[block * kLanes / 2 + i];
        from = multiply_add(weight, rows[2 * i], from);
        to = multiply_add(weight, rows[2 * i + 1], to);
      }
    }
    multiply_add(to - from, Lane::load(rising_window + n), from).store(sum + n);
  }
}

}  // namespace singerprint::SINGERPRINT_ISA
