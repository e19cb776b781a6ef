// The time stretch in gather form, by the threads of CUDA blocks: every sample of the result finds the piece of a rest
// and the grains that reach it, and adds them in the order of the CPU (dsp/time_stretcher.cpp). Written for host and
// device (core/block_thread.h).
#pragma once
#include <cmath>
#include <cstdint>

#include "core/block_thread.h"
#include "dsp/psola_block.h"
#include "dsp/stretch_buffers.h"
#include "dsp/voice_block.h"

namespace singerprint {

// The state of a clip before its voice is looked for.
SINGERPRINT_HOST_DEVICE inline StretchState stretch_state(float rate, const StretchSizes& sizes) {
  const double kept = within(rate, kSlowestRate, kFastestRate);
  const std::int64_t end = stretched_samples(sizes.voice.samples, kept);
  return {kept, end < sizes.result_samples ? end : sizes.result_samples, 0, 0};
}

// A block for a segment that has its marks: its grains, and the widest half of them. parts: a thread each.
SINGERPRINT_HOST_DEVICE inline void place_stretched_grains(BlockThread thread, const StretchBuffers& clip,
                                                           std::int64_t index, double* parts) {
  VoicedSegment& segment = clip.voice.segments[index];
  if (!is_renderable(segment)) return;
  const double rate = clip.states->rate;
  const double* const marks = clip.voice.marks + segment.first_mark;
  Grain* const grains = clip.voice.grains + segment.first_grain;
  const std::int64_t count = count_of_stretched_grains(segment.marks, rate);
  for (std::int64_t j = thread.index; j < count; j += thread.count) {
    grains[j] = stretched_grain(marks, segment, rate, j);
  }
  double widest = 0.0;
  for (std::int64_t i = thread.index; i + 1 < segment.marks; i += thread.count) {
    widest = fmax(widest, marks[i + 1] - marks[i]);
  }
  parts[thread.index] = widest;
  synchronise_block();
  if (thread.index != 0) return;
  for (int i = 1; i < thread.count; ++i) widest = fmax(widest, parts[i]);
  segment.grains = count;
  clip.voice.reaches[index].grain = widest;
}

// One thread for a clip whose grains are there: its spans and rests.
SINGERPRINT_HOST_DEVICE inline void plan_stretch(const PitchPlan& plan, const StretchBuffers& clip) {
  StretchState& state = *clip.states;
  if (state.rate == 1.0) return;
  const VoicedSegment* const segments = clip.voice.segments;
  for (std::int64_t s = 0; s < clip.voice.states->segments; ++s) {
    if (!is_renderable(segments[s])) continue;
    clip.spans[state.spans++] =
        span_of(clip.voice.marks + segments[s].first_mark, clip.voice.grains + segments[s].first_grain, segments[s], s);
  }
  for (std::int64_t r = 0; r <= state.spans; ++r) {
    clip.rests[r] = rest_between(r > 0 ? clip.spans + r - 1 : nullptr, r < state.spans ? clip.spans + r : nullptr,
                                 segments, clip.sizes.voice.spacing, clip.sizes.voice.samples, state.rate,
                                 plan.sample_rate_hz, state.splices);
    state.splices += clip.rests[r].splices;
  }
}

// The waveform at n + offset.
SINGERPRINT_HOST_DEVICE inline float read_moved(const StretchBuffers& clip, const float* waveform, const float* sinc,
                                                double offset, std::int64_t n) {
  return read_between(moved_place(offset, n), waveform, clip.sizes.voice.samples, sinc, kSincTaps);
}

// What a block of place_splice keeps.
inline constexpr int kSpliceThreads = 64;
struct SpliceMemory {
  float energies[2 * kSpliceReach + 1];
  float sums[kSpliceThreads][3];
};

// A block for a splice: its place and its correlation.
SINGERPRINT_HOST_DEVICE inline void place_splice(BlockThread thread, const PitchPlan& plan, const StretchBuffers& clip,
                                                 const float* waveform, const float* sinc, std::int64_t index,
                                                 SpliceMemory& memory) {
  const double rate = clip.states->rate;
  const Rest* rest = clip.rests;
  while (rest->first_splice + rest->splices <= index) ++rest;
  const std::int64_t k = index - rest->first_splice, length = clip.sizes.energy_length;
  for (int step = thread.index - kSpliceReach; step <= kSpliceReach; step += thread.count) {
    memory.energies[step + kSpliceReach] =
        energy_at_splice(*rest, rate, plan.sample_rate_hz, k, step, clip.energies, clip.sizes.voice.samples, length);
  }
  synchronise_block();
  const int step = quietest_step([&](int to) { return memory.energies[to + kSpliceReach]; });
  Splice splice = splice_at_step(*rest, rate, plan.sample_rate_hz, k, step);
  float product = 0.0f, own = 0.0f, other = 0.0f;
  for (std::int64_t n = splice.at - splice.half + thread.index; n < splice.at + splice.half; n += thread.count) {
    const float before = read_moved(clip, waveform, sinc, splice.before, n);
    const float after = read_moved(clip, waveform, sinc, splice.after, n);
    product += before * after;
    own += before * before;
    other += after * after;
  }
  float* const sums = memory.sums[thread.index];
  sums[0] = product;
  sums[1] = own;
  sums[2] = other;
  synchronise_block();
  if (thread.index != 0) return;
  for (int i = 1; i < thread.count; ++i) {
    product += memory.sums[i][0];
    own += memory.sums[i][1];
    other += memory.sums[i][2];
  }
  splice.correlation = correlation_of(product, own, other);
  clip.splices[index] = splice;
}

// Sample n of a rest.
SINGERPRINT_HOST_DEVICE inline float rest_sample(const StretchBuffers& clip, const float* waveform, const float* sinc,
                                                 const Rest& rest, std::int64_t n) {
  if (rest.splices == 0) return read_moved(clip, waveform, sinc, rest.first_offset, n);
  const Splice& splice = clip.splices[rest.first_splice + splice_near(rest, clip.states->rate, n)];
  if (n < splice.at - splice.half) return read_moved(clip, waveform, sinc, splice.before, n);
  if (n >= splice.at + splice.half) return read_moved(clip, waveform, sinc, splice.after, n);
  return faded(splice, n, read_moved(clip, waveform, sinc, splice.before, n),
               read_moved(clip, waveform, sinc, splice.after, n));
}

// What a span makes of sample n, which is `value` so far. The tile begins at `begin`: its samples share the search for
// the grains.
SINGERPRINT_HOST_DEVICE inline float add_span(const StretchBuffers& clip, const float* waveform, const float* sinc,
                                              const VoicedSpan& span, std::int64_t begin, std::int64_t n, float value) {
  const VoicedSegment& segment = clip.voice.segments[span.segment];
  const Grain* const grains = clip.voice.grains + segment.first_grain;
  const auto at = static_cast<double>(n);
  value *= share_kept(at - span.first_target, span.first_period, at - span.last_target, span.last_period);
  const double reach = clip.voice.reaches[span.segment].grain + 1.0;
  const double end = static_cast<double>(begin + kRenderTile) + reach;
  for (std::int64_t j = first_grain_beyond(grains, segment.grains, static_cast<double>(begin) - reach);
       j < segment.grains && grains[j].target < end; ++j) {
    const GrainShape grain =
        shape_of_grain(clip.voice.marks + segment.first_mark, segment, grains[j], 1.0, GrainWidth::kOwnPeriod);
    if (n < begin_of_grain(grain) || n >= end_of_grain(grain)) continue;
    value += grain_sample(grain, waveform, clip.sizes.voice.samples, sinc, kSincTaps, n);
  }
  return value;
}

// The first span whose last grain lies beyond `at`.
SINGERPRINT_HOST_DEVICE inline std::int64_t first_span_beyond(const StretchBuffers& clip, double at) {
  std::int64_t low = 0, high = clip.states->spans;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (clip.spans[middle].last_target > at) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// Sample n of the result, in the tile that begins at `begin`.
SINGERPRINT_HOST_DEVICE inline float stretched_sample(const PitchPlan& plan, const StretchBuffers& clip,
                                                      const float* waveform, const float* sinc, std::int64_t begin,
                                                      std::int64_t n) {
  const StretchState& state = *clip.states;
  if (n >= state.end) return 0.0f;
  if (state.rate == 1.0) return waveform[n];
  const auto at = static_cast<double>(n), tile = static_cast<double>(begin);
  const std::int64_t next = first_span_beyond(clip, at);
  const bool inside = next < state.spans && at >= clip.spans[next].first_target;
  float value = inside ? 0.0f : rest_sample(clip, waveform, sinc, clip.rests[next], n);
  const auto farthest = static_cast<double>(farthest_reach(plan));
  for (std::int64_t s = first_span_beyond(clip, tile - farthest); s < state.spans; ++s) {
    const VoicedSpan& span = clip.spans[s];
    if (span.first_target - farthest >= tile + kRenderTile) break;
    if (at < span.first_target - farthest || at > span.last_target + farthest) continue;
    value = add_span(clip, waveform, sinc, span, begin, n, value);
  }
  return value;
}

}  // namespace singerprint
