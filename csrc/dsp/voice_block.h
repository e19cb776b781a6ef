// A clip as its voiced segments see it, by the threads of CUDA blocks: a block for a clip, for a segment or for a knot.
// The steps are those of the CPU (dsp/voice_steps.h). Sums and chains along a segment are walked in order by one
// thread, over what all threads have computed; so the result does not depend on how they are timed. Written for host
// and device (core/block_thread.h).
#pragma once
#include <cmath>
#include <cstdint>

#include "core/block_thread.h"
#include "dsp/shift_buffers.h"
#include "dsp/voice_steps.h"

namespace singerprint {

inline constexpr int kVoiceThreads = 128;  // of a block, at most
inline constexpr int kWalkTile = 128;      // elements at once

// make(i) by all threads, step(element) by the first one in the order of i, store(i, element) by all.
template <class Element, class Make, class Step, class Store>
SINGERPRINT_HOST_DEVICE inline void walk_in_order(BlockThread thread, std::int64_t count, Element* tile, Make make,
                                                  Step step, Store store) {
  for (std::int64_t first = 0; first < count; first += kWalkTile) {
    const int here = count - first < kWalkTile ? static_cast<int>(count - first) : kWalkTile;
    for (int i = thread.index; i < here; i += thread.count) tile[i] = make(first + i);
    synchronise_block();
    if (thread.index == 0) {
      for (int i = 0; i < here; ++i) step(tile[i]);
    }
    synchronise_block();
    for (int i = thread.index; i < here; i += thread.count) store(first + i, tile[i]);
    synchronise_block();
  }
}

// The first thread's value, for all.
template <class Value>
SINGERPRINT_HOST_DEVICE inline Value from_first_thread(BlockThread thread, Value value, Value* place) {
  if (thread.index == 0) *place = value;
  synchronise_block();
  value = *place;
  synchronise_block();
  return value;
}

SINGERPRINT_HOST_DEVICE inline std::int64_t sum_of_block(BlockThread thread, std::int64_t own, std::int64_t* parts) {
  parts[thread.index] = own;
  synchronise_block();
  std::int64_t sum = 0;
  for (int i = 0; i < thread.count; ++i) sum += parts[i];
  synchronise_block();
  return sum;
}

// The median of the voiced frames in [begin, end), the upper of two; 0 where there is none. parts: a thread each.
SINGERPRINT_HOST_DEVICE inline float median_of_voiced(BlockThread thread, const float* hz, std::int64_t begin,
                                                      std::int64_t end, std::int64_t* parts) {
  const auto count_up_to = [&](std::uint32_t bits) {  // positive numbers have the order of their bits
    std::int64_t own = 0;
    for (std::int64_t j = begin + thread.index; j < end; j += thread.count) {
      own += hz[j] > 0.0f && bits_of(hz[j]) <= bits;
    }
    return sum_of_block(thread, own, parts);
  };
  std::uint32_t low = 0, high = bits_of(static_cast<float>(2.0 * kHighestTrackedHz));
  const std::int64_t voiced = count_up_to(high);
  if (voiced == 0) return 0.0f;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (count_up_to(middle) > voiced / 2) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return float_of_bits(low);
}

SINGERPRINT_HOST_DEVICE inline float within(float x, float low, float high) {
  return !(x >= low) ? low : x > high ? high : x;
}

// What is asked of a clip, kept within the ranges of the op.
SINGERPRINT_HOST_DEVICE inline PitchChange change_within_range(float pitch_ratio, float pitch_range_ratio,
                                                               float formant_ratio) {
  return {within(pitch_ratio, kSmallestRatio, kLargestRatio), within(pitch_range_ratio, 0.0f, kLargestRatio),
          within(formant_ratio, kSmallestRatio, kLargestRatio)};
}

// A block for a clip: its segments without their medians, and its own median. A clip of which nothing is asked has no
// segments.
SINGERPRINT_HOST_DEVICE inline void find_segments(BlockThread thread, bool is_asked, const ShiftBuffers& clip,
                                                  std::int64_t* parts) {
  const ShiftSizes& sizes = clip.sizes;
  const float median_hz = median_of_voiced(thread, clip.hz, 0, sizes.frames, parts);
  for (std::int64_t m = thread.index; m < sizes.knots; m += thread.count) clip.segment_of[m] = -1;
  if (thread.index != 0) return;
  std::int64_t count = 0;
  const std::int64_t frames = is_asked ? sizes.frames : 0;
  for (std::int64_t begin = 0; begin < frames; ++begin) {
    if (!(clip.hz[begin] > 0.0f)) continue;
    std::int64_t end = begin;
    while (end < frames && clip.hz[end] > 0.0f) ++end;
    VoicedSegment segment = segment_of_frames(begin, end, sizes.samples, sizes.spacing);
    segment.first_mark = segment.first_knot * sizes.marks_a_knot;
    segment.first_grain = segment.first_knot * sizes.grains_a_knot;
    if (segment.last_knot > segment.first_knot) clip.segments[count++] = segment;
    begin = end;
  }
  clip.states->median_hz = median_hz;
  clip.states->segments = count;
}

// A block for a segment: the track at its knots, and its integral. tile: kWalkTile; parts: a thread each.
SINGERPRINT_HOST_DEVICE inline void integrate_segment(BlockThread thread, const PitchPlan& plan,
                                                      const ShiftBuffers& clip, std::int64_t index, double* tile,
                                                      std::int64_t* parts) {
  VoicedSegment& segment = clip.segments[index];
  const std::int64_t first = segment.first_knot, intervals = segment.last_knot - first;
  const auto spacing = static_cast<double>(clip.sizes.spacing);
  const std::int64_t begin = (first + 1) / 2;
  std::int64_t end = begin;  // of the run of voiced frames: the clip's end may have cut the knots
  while (end < clip.sizes.frames && clip.hz[end] > 0.0f) ++end;
  const float median_hz = median_of_voiced(thread, clip.hz, begin, end, parts);
  if (thread.index == 0) segment.median_hz = median_hz;
  double phase = 0.0;
  walk_in_order(
      thread, intervals + 1, tile,
      [&](std::int64_t i) {
        const std::int64_t m = first + i;
        PhaseKnot knot{};
        clip.knot_hz[m] = track_at_knot(clip.hz, segment, m);
        if (i < intervals) {
          follow_track(knot, clip.knot_hz[m], track_at_knot(clip.hz, segment, m + 1), plan.sample_rate_hz, spacing);
        }
        clip.knots[m] = knot;
        clip.segment_of[m] = static_cast<std::int32_t>(index);
        return rise_at(knot, spacing);
      },
      [&](double& element) {
        const double rise = element;
        element = phase;
        phase += rise;
      },
      [&](std::int64_t i, double source) { clip.knots[first + i].source = source; });
}

// A block for a knot of a segment: the harmonics 1 .. kLockHarmonics under a window around it, and the moment of the
// interval after it. parts: (threads, kKnotSums).
SINGERPRINT_HOST_DEVICE inline void measure_knot(BlockThread thread, const PitchPlan& plan, const ShiftBuffers& clip,
                                                 std::int64_t m, float* parts) {
  const VoicedSegment& segment = clip.segments[clip.segment_of[m]];
  const std::int32_t decimation = plan.decimation, each = static_cast<std::int32_t>(clip.sizes.spacing) / decimation;
  const auto half = static_cast<std::int32_t>(lock_half_window(plan.decimated_rate_hz, clip.knot_hz[m]));
  const std::int64_t before = (m - segment.first_knot) * each, after = (segment.last_knot - m) * each;
  const auto begin = static_cast<std::int32_t>(before < half ? before : half);
  const auto end = static_cast<std::int32_t>(after < half + 1 ? after : half + 1);
  const float quarter_turns = 0.5f / static_cast<float>(half + 1);
  float* const own = parts + thread.index * kKnotSums;
  float sums[kKnotSums] = {};
  for (std::int32_t d = thread.index - begin; d < (end > each ? end : each); d += thread.count) {
    const std::int32_t interval = d < 0 ? -((each - 1 - d) / each) : d / each;
    if (m + interval >= segment.last_knot) break;
    const PhaseKnot& knot = clip.knots[m + interval];
    const float sample = clip.pitch.decimated[m * each + d];
    const auto t = static_cast<float>((d - interval * each) * decimation);
    const Phasor<float> unit = phasor_of_track(part_of_turn(knot.source), knot.slope, knot.curve, t);
    Phasor<float> z{sample * unit.re, sample * unit.im};
    if (interval == 0) {
      sums[kKnotSums - 2] = multiply_add(sample, z.re, sums[kKnotSums - 2]);
      sums[kKnotSums - 1] = multiply_add(sample, z.im, sums[kKnotSums - 1]);
    }
    const float cosine = cosine_of_half_turns(static_cast<float>(d) * quarter_turns);
    const float weight = d < end ? cosine * cosine : 0.0f;
    for (int h = 0; h < kLockHarmonics; ++h) {
      sums[2 * h] = multiply_add(weight, z.re, sums[2 * h]);
      sums[2 * h + 1] = multiply_add(weight, z.im, sums[2 * h + 1]);
      z = times(z, unit);
    }
  }
  for (int row = 0; row < kKnotSums; ++row) own[row] = sums[row];
  synchronise_block();
  for (int row = thread.index; row < kKnotSums; row += thread.count) {
    float sum = 0.0f;
    for (int i = 0; i < thread.count; ++i) sum += parts[i * kKnotSums + row];
    clip.sums[m * kKnotSums + row] = sum;
  }
}

}  // namespace singerprint
