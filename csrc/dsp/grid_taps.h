// The taps of a phase grid (dsp/phase_grid.h): kLanes samples at a time, read from its points and added to them.
// For .lanes.cpp files alone, as core/lane.h.
#pragma once
#include "core/lane.h"
#include "dsp/lane_transpose.h"
#include "dsp/phase_grid.h"

namespace singerprint::SINGERPRINT_ISA {

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

// Two numbers a sample: of the sets of a table, or for the halves of the window.
struct LanePair {
  Lane first, second;
};

#if defined(__AVX512F__)

// Neighbouring samples lie one or two points apart, so that what sixteen of them touch is held by registers: windows of
// the 32 points from `first[lane]` on.
inline constexpr std::int32_t kTapWindow = 2 * kLanes;
static_assert(kTapWindow == kGridTableTail);
inline const IntVector kLaneNumbers = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// The index of each sample's first point in the window of its group of `size`. fits: whether their taps lie in it, and
// each sample's behind those of the one before.
struct TapGroups {
  int size;
  IntVector index;
  bool fits;
};
SINGERPRINT_LANE_INLINE TapGroups tap_groups(IntVector first, std::int32_t points, int size) {
  const auto from = [](IntVector values, IntVector lanes) {
    return (IntVector)_mm512_permutexvar_epi32((__m512i)lanes, (__m512i)values);
  };
  const IntVector begins = kLaneNumbers & -size, distance = first - from(first, begins);
  const IntVector index = distance + ((distance < 0) & points), before = from(index, kLaneNumbers - 1);
  const IntVector is_apart = (index > before) | (kLaneNumbers == begins), is_near = index <= kTapWindow - kGridTaps;
  return {size, index, mask_of(is_apart & is_near) == 0xffff};
}

// visit(lanes, first lane, index) for groups as large as fit: sixteen samples, or eight, or one.
template <class Visit>
SINGERPRINT_LANE_INLINE void for_each_tap_group(const Taps& taps, std::int32_t points, Visit visit) {
  TapGroups groups = tap_groups(taps.first, points, kLanes);
  if (!groups.fits) groups = tap_groups(taps.first, points, kLanes / 2);
  if (!groups.fits) groups = {1, IntVector{}, true};
  for (int lane = 0; lane < kLanes; lane += groups.size) {
    visit(static_cast<__mmask16>(((1u << groups.size) - 1u) << lane), lane, groups.index);
  }
}

// What the sets of a table (2, length) are at the samples.
SINGERPRINT_LANE_INLINE LanePair read_taps(const float* table, std::int32_t length, std::int32_t points,
                                           const Taps& taps) {
  std::int32_t first[kLanes];
  std::memcpy(first, &taps.first, sizeof(first));
  Lane sums[2] = {0.0f, 0.0f};
  for_each_tap_group(taps, points, [&](__mmask16 lanes, int lane, IntVector index) {
#pragma GCC unroll 2
    for (int set = 0; set < 2; ++set) {
      const float* const from = table + set * length + first[lane];
      const Lane low = Lane::load(from), high = Lane::load(from + kLanes);
      Lane sum(0.0f);
#pragma GCC unroll 8
      for (int tap = 0; tap < kGridTaps; ++tap) {
        const auto at = (__m512i)(index + tap);
        const Lane value((FloatVector)_mm512_permutex2var_ps((__m512)low.v, at, (__m512)high.v));
        sum = multiply_add(taps.weights[tap], value, sum);
      }
      sums[set] = Lane((FloatVector)_mm512_mask_blend_ps(lanes, (__m512)sums[set].v, (__m512)sum.v));
    }
  });
  return {sums[0], sums[1]};
}

// Adds the samples' pairs to the points of work (2, length).
inline constexpr int kWorkCopies = 1;
SINGERPRINT_LANE_INLINE void add_taps(const LanePair& pair, float* work, std::int32_t length, std::int32_t points,
                                      const Taps& taps) {
  std::int32_t first[kLanes];
  std::memcpy(first, &taps.first, sizeof(first));
  for_each_tap_group(taps, points, [&](__mmask16 lanes, int lane, IntVector index) {
    // Bit j: whether a sample's first point is the window's j-th; and which sample's.
    const auto bits = _mm512_sllv_epi32(_mm512_set1_epi32(1), (__m512i)index);
    auto taken = static_cast<std::uint32_t>(_mm512_mask_reduce_or_epi32(lanes, bits));
    const auto numbers = (__m512i)(kLaneNumbers + lane);
    const int in_low = __builtin_popcount(taken & 0xffffu);
    auto sample_low = _mm512_maskz_expand_epi32(static_cast<__mmask16>(taken), numbers);
    auto sample_high = _mm512_maskz_expand_epi32(static_cast<__mmask16>(taken >> 16),
                                                 _mm512_add_epi32(numbers, _mm512_set1_epi32(in_low)));
    __m512 low[2] = {}, high[2] = {};
#pragma GCC unroll 8
    for (int tap = 0; tap < kGridTaps; ++tap) {
      const auto in_low_half = static_cast<__mmask16>(taken), in_high_half = static_cast<__mmask16>(taken >> 16);
      const Lane values[2] = {taps.weights[tap] * pair.first, taps.weights[tap] * pair.second};
#pragma GCC unroll 2
      for (int set = 0; set < 2; ++set) {
        const auto value = (__m512)values[set].v;
        low[set] = _mm512_mask_add_ps(low[set], in_low_half, low[set], _mm512_permutexvar_ps(sample_low, value));
        high[set] = _mm512_mask_add_ps(high[set], in_high_half, high[set], _mm512_permutexvar_ps(sample_high, value));
      }
      sample_high = _mm512_alignr_epi32(sample_high, sample_low, kLanes - 1);  // the next tap is a point further on
      sample_low = _mm512_alignr_epi32(sample_low, sample_low, kLanes - 1);
      taken <<= 1;
    }
    for (int set = 0; set < 2; ++set) {
      float* const to = work + set * length + first[lane];
      (Lane::load(to) + Lane((FloatVector)low[set])).store(to);
      (Lane::load(to + kLanes) + Lane((FloatVector)high[set])).store(to + kLanes);
    }
  });
}

#else

// Rows of taps, a sample each, by transposing.
SINGERPRINT_LANE_INLINE LanePair read_taps(const float* table, std::int32_t length, std::int32_t, const Taps& taps) {
  Lane sums[2] = {0.0f, 0.0f};
#pragma GCC unroll 2
  for (int set = 0; set < 2; ++set) {
#pragma GCC unroll 2
    for (int tap = 0; tap < kGridTaps; tap += kLanes) {
      Lane rows[kLanes];
      for (int i = 0; i < kLanes; ++i) rows[i] = Lane::load(table + set * length + taps.first[i] + tap);
      transpose(rows);
#pragma GCC unroll 8
      for (int i = 0; i < kLanes; ++i) sums[set] = multiply_add(taps.weights[tap + i], rows[i], sums[set]);
    }
  }
  return {sums[0], sums[1]};
}

// A sum waits for the last one at the same points: neighbours have copies of their own to add to.
inline constexpr int kWorkCopies = kGridCopies;
SINGERPRINT_LANE_INLINE void add_taps(const LanePair& pair, float* work, std::int32_t length, std::int32_t,
                                      const Taps& taps) {
#pragma GCC unroll 2
  for (int set = 0; set < 2; ++set) {
#pragma GCC unroll 2
    for (int tap = 0; tap < kGridTaps; tap += kLanes) {
      Lane rows[kLanes];
#pragma GCC unroll 8
      for (int i = 0; i < kLanes; ++i) rows[i] = taps.weights[tap + i] * (set == 0 ? pair.first : pair.second);
      transpose(rows);
#pragma GCC unroll 8
      for (int i = 0; i < kLanes; ++i) {
        float* const to = work + (2 * (i % kWorkCopies) + set) * length + taps.first[i] + tap;
        (Lane::load(to) + rows[i]).store(to);
      }
    }
  }
}

#endif

}  // namespace singerprint::SINGERPRINT_ISA
