// The pitch-synchronous renderer in gather form, by the threads of CUDA blocks: every sample finds the grains that
// reach it and adds them in ascending order, as the CPU does. Written for host and device (core/block_thread.h).
#pragma once
#include <cmath>
#include <cstdint>

#include "core/block_thread.h"
#include "dsp/psola_sample.h"
#include "dsp/shift_buffers.h"

namespace singerprint {

inline constexpr int kRenderTile = 256;  // samples, a block

// A block for a clip: its table for reading between samples.
SINGERPRINT_HOST_DEVICE inline void write_sinc_table(BlockThread thread, const ShiftBuffers& clip) {
  if (clip.states->segments == 0) return;
  const double widening = fmax(1.0, clip.states->change.formant_ratio);
  const std::int32_t taps = count_of_sinc_taps(widening);
  for (int phase = thread.index; phase <= kSincPhases; phase += thread.count) {
    write_sinc_row(widening, phase, taps, clip.sinc + phase * taps);
  }
}

// How far a segment may reach beyond its knots: a locked period may be longer than the longest of the track.
SINGERPRINT_HOST_DEVICE inline std::int64_t farthest_reach(const PitchPlan& plan) {
  constexpr double kPeriods = 4.0;
  return static_cast<std::int64_t>(kPeriods * plan.sample_rate_hz / plan.min_hz) + 1;
}

// A block for a segment that has its grains: where it may change the waveform. parts: a thread each.
SINGERPRINT_HOST_DEVICE inline void find_reach(BlockThread thread, const PitchPlan& plan, const PitchShiftStyle& style,
                                               const ShiftBuffers& clip, std::int64_t index, SegmentReach* parts) {
  const VoicedSegment& segment = clip.segments[index];
  const std::int64_t begin = segment.first_knot * clip.sizes.spacing, end = segment.last_knot * clip.sizes.spacing;
  SegmentReach own{begin, end, 0.0};
  if (segment.marks >= 3 && !is_remapped(segment, style)) {
    const double* const marks = clip.marks + segment.first_mark;
    const std::int64_t last = segment.marks - 1;
    own = {static_cast<std::int64_t>(floor(2.0 * marks[0] - marks[1])),
           static_cast<std::int64_t>(floor(2.0 * marks[last] - marks[last - 1])) + 1, 0.0};
    for (std::int64_t j = thread.index; j < segment.grains; j += thread.count) {
      const GrainShape grain = shape_of_grain(marks, segment, clip.grains[segment.first_grain + j],
                                              clip.states->change.formant_ratio, style.grain_width);
      const std::int64_t grain_begin = begin_of_grain(grain), grain_end = end_of_grain(grain);
      own = {grain_begin < own.begin ? grain_begin : own.begin, grain_end > own.end ? grain_end : own.end,
             fmax(own.grain, static_cast<double>(fmaxf(grain.left, grain.right)))};
    }
  }
  parts[thread.index] = own;
  synchronise_block();
  if (thread.index != 0) return;
  for (int i = 1; i < thread.count; ++i) {
    const SegmentReach& other = parts[i];
    own = {other.begin < own.begin ? other.begin : own.begin, other.end > own.end ? other.end : own.end,
           fmax(own.grain, other.grain)};
  }
  const std::int64_t farthest = farthest_reach(plan);
  clip.reaches[index] = {own.begin > begin - farthest ? own.begin : begin - farthest,
                         own.end < end + farthest ? own.end : end + farthest, own.grain};
}

// The first segment that may change a sample from `begin` on.
SINGERPRINT_HOST_DEVICE inline std::int64_t first_segment_near(const ShiftBuffers& clip, std::int64_t begin,
                                                               std::int64_t farthest) {
  std::int64_t low = 0, high = clip.states->segments;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (clip.segments[middle].last_knot * clip.sizes.spacing + farthest > begin) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// The first grain of a segment whose target lies beyond `at`.
SINGERPRINT_HOST_DEVICE inline std::int64_t first_grain_beyond(const Grain* grains, std::int64_t count, double at) {
  std::int64_t low = 0, high = count;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (grains[middle].target > at) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// What a segment of grains makes of sample n, which is `value` so far. The tile begins at `begin`: its samples share
// the search for the grains.
SINGERPRINT_HOST_DEVICE inline float overlap_add(const ShiftBuffers& clip, const PitchShiftStyle& style,
                                                 const float* waveform, std::int64_t index, std::int64_t begin,
                                                 std::int64_t n, float value) {
  const VoicedSegment& segment = clip.segments[index];
  const double* const marks = clip.marks + segment.first_mark;
  const Grain* const grains = clip.grains + segment.first_grain;
  const std::int64_t last = segment.marks - 1;
  const double formant_ratio = clip.states->change.formant_ratio, reach = clip.reaches[index].grain + 1.0;
  const std::int32_t taps = count_of_sinc_taps(fmax(1.0, formant_ratio));
  const auto at = static_cast<double>(n);
  value *= share_kept(at - marks[0], marks[1] - marks[0], at - marks[last], marks[last] - marks[last - 1]);
  const double end = static_cast<double>(begin + kRenderTile) + reach;
  for (std::int64_t j = first_grain_beyond(grains, segment.grains, static_cast<double>(begin) - reach);
       j < segment.grains && grains[j].target < end; ++j) {
    const GrainShape grain = shape_of_grain(marks, segment, grains[j], formant_ratio, style.grain_width);
    if (n < begin_of_grain(grain) || n >= end_of_grain(grain)) continue;
    value += grain_sample(grain, waveform, clip.sizes.samples, clip.sinc, taps, n);
  }
  return value;
}

// Sample n of the result: the segments that reach it, one after the other. `remapped`: what the remap adds to it.
SINGERPRINT_HOST_DEVICE inline float shifted_sample(const PitchPlan& plan, const PitchShiftStyle& style,
                                                    const ShiftBuffers& clip, const float* waveform, std::int64_t begin,
                                                    std::int64_t n, const float* remapped) {
  const std::int64_t farthest = farthest_reach(plan), segments = clip.states->segments;
  float value = waveform[n];
  for (std::int64_t s = first_segment_near(clip, begin, farthest); s < segments; ++s) {
    const VoicedSegment& segment = clip.segments[s];
    if (segment.first_knot * clip.sizes.spacing - farthest >= begin + kRenderTile) break;
    if (segment.marks < 3 || n < clip.reaches[s].begin || n >= clip.reaches[s].end) continue;
    value = is_remapped(segment, style) ? value + *remapped : overlap_add(clip, style, waveform, s, begin, n, value);
  }
  return value;
}

}  // namespace singerprint
