// What stands between the kernels of a pitch shift: the arrays of some clips in one piece of memory, whose size follows
// from the sample rate and the length of a clip alone.
//
// Bounds. Knots: samples / spacing + 2, and two segments have a knot between them that belongs to neither, so the list
// of a segment can begin at the place of its first knot.
//   marks a knot   1.25 max_hz spacing / rate: the track is at most max_hz, and the lock adds at most a quarter
//   grains a knot  spacing / 4: q rises by at most a quarter a sample (frequency_map_of_interval)
//   lines a knot   kMaximalHarmonics, or those of 20 Hz, the lowest wanted frequency, where the rate has fewer
//   segments       (frames + 1) / 2
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "dsp/harmonic_lines.h"
#include "dsp/pitch_shifter.h"
#include "dsp/pitch_track_block.h"
#include "dsp/voice.h"

namespace singerprint {

// Where a segment may change the waveform, [begin, end), and the widest half of its grains.
struct SegmentReach {
  std::int64_t begin, end;
  double grain;
};

struct ClipState {
  PitchChange change;
  double median_hz;  // of all voiced frames
  std::int64_t segments;
};

struct HarmonicLine {
  float re, im;
};

struct ShiftSizes {
  std::int64_t samples, frames, decimated, knots, segments, spacing;
  std::int64_t marks_a_knot, grains_a_knot, lines_a_knot, sinc_floats;
};

inline ShiftSizes shift_sizes(const PitchPlan& plan, std::int64_t samples) {
  ShiftSizes sizes{};
  sizes.samples = samples;
  sizes.frames = pitch_frames(plan, samples);
  sizes.decimated = decimated_samples(plan, samples);
  sizes.spacing = plan.hop_length / 2;
  sizes.knots = samples / sizes.spacing + 2;
  sizes.segments = (sizes.frames + 1) / 2;
  const double spacing = static_cast<double>(sizes.spacing);
  sizes.marks_a_knot = static_cast<std::int64_t>(1.25 * plan.max_hz * spacing / plan.sample_rate_hz) + 1;
  sizes.grains_a_knot = static_cast<std::int64_t>(kHighestWanted * spacing) + 1;
  sizes.lines_a_knot = maximal_harmonics(plan.sample_rate_hz);
  sizes.sinc_floats = std::int64_t{kSincPhases + 1} * kMaximalSincTaps;
  return sizes;
}

// Each array but the last two: (clips, ...). The lines are so many that fewer clips at a time have a place for them.
struct ShiftBuffers {
  ShiftSizes sizes;
  PitchBuffers pitch;
  float* hz;                 // (frames)
  ClipState* states;         // ()
  VoicedSegment* segments;   // (segments)
  SegmentReach* reaches;     // (segments)
  std::int32_t* segment_of;  // (knots): -1 outside of all segments
  PhaseKnot* knots;          // (knots)
  float* knot_hz;            // (knots)
  float* sums;               // (knots, kKnotSums)
  double* leads;             // (knots)
  double* marks;             // (knots, marks_a_knot)
  Grain* grains;             // (knots, grains_a_knot)
  float* sinc;               // (kSincPhases + 1, taps of the clip)
  std::int64_t line_clips;
  HarmonicLine *own, *wanted;  // (line_clips, knots, lines_a_knot)
};

inline constexpr int kKnotSums = 2 * kLockHarmonics + 2;  // of the harmonics under the window, and the moment

// Cuts arrays out of one piece of memory, which may be null to ask how many bytes they take.
class ArrayCutter {
 public:
  explicit ArrayCutter(void* memory) : begin_(reinterpret_cast<std::uintptr_t>(memory)) {}
  template <class Element>
  void operator()(Element*& pointer, std::int64_t count, std::int64_t rows) {
    constexpr std::size_t kAlignment = 256;
    pointer = reinterpret_cast<Element*>(begin_ + used_);
    const std::size_t size = static_cast<std::size_t>(rows * count) * sizeof(Element);
    used_ += (size + kAlignment - 1) / kAlignment * kAlignment;
  }
  std::size_t used() const { return used_; }

 private:
  std::uintptr_t begin_;
  std::size_t used_ = 0;
};

inline ShiftBuffers shift_buffers(const ShiftSizes& sizes, std::int64_t clips, std::int64_t line_clips,
                                  ArrayCutter& take) {
  ShiftBuffers buffers{};
  buffers.sizes = sizes;
  buffers.line_clips = line_clips;
  take(buffers.pitch.decimated, sizes.decimated, clips);
  take(buffers.pitch.peaks, sizes.frames, clips);
  take(buffers.pitch.candidates, sizes.frames * kPitchCandidates, clips);
  take(buffers.pitch.predecessors, sizes.frames * kPitchCandidates, clips);
  take(buffers.hz, sizes.frames, clips);
  take(buffers.states, 1, clips);
  take(buffers.segments, sizes.segments, clips);
  take(buffers.reaches, sizes.segments, clips);
  take(buffers.segment_of, sizes.knots, clips);
  take(buffers.knots, sizes.knots, clips);
  take(buffers.knot_hz, sizes.knots, clips);
  take(buffers.sums, sizes.knots * kKnotSums, clips);
  take(buffers.leads, sizes.knots, clips);
  take(buffers.marks, sizes.knots * sizes.marks_a_knot, clips);
  take(buffers.grains, sizes.knots * sizes.grains_a_knot, clips);
  take(buffers.sinc, sizes.sinc_floats, clips);
  take(buffers.own, sizes.knots * sizes.lines_a_knot, line_clips);
  take(buffers.wanted, sizes.knots * sizes.lines_a_knot, line_clips);
  return buffers;
}

// The arrays from `memory` on; *bytes: how long it has to be. memory may be null to ask for the size.
inline ShiftBuffers shift_buffers(const ShiftSizes& sizes, std::int64_t clips, std::int64_t line_clips, void* memory,
                                  std::size_t* bytes) {
  ArrayCutter take(memory);
  const ShiftBuffers buffers = shift_buffers(sizes, clips, line_clips, take);
  *bytes = take.used();
  return buffers;
}

// Clips at a time, so that their arrays fit into some memory, one at least.
struct ShiftChunks {
  std::int64_t clips, line_clips;
};

// Of `most` clips that take so many bytes each.
inline std::int64_t clips_that_fit(std::size_t bytes, std::int64_t most) {
  constexpr double kMostBytes = 512.0 * 1024 * 1024;  // of the lines, and of all the rest
  constexpr double kMostClips = 65535.0;              // of a grid's second dimension
  const double count = fmax(1.0, fmin(kMostClips, kMostBytes / static_cast<double>(bytes)));
  return count < static_cast<double>(most) ? static_cast<std::int64_t>(count) : most;
}

inline ShiftChunks shift_chunks(const ShiftSizes& sizes, std::int64_t batch, bool has_lines) {
  std::size_t without = 0, with = 0;
  shift_buffers(sizes, 1, 0, nullptr, &without);
  shift_buffers(sizes, 0, 1, nullptr, &with);
  const std::int64_t clips = clips_that_fit(without, batch);
  return {clips, has_lines ? clips_that_fit(with, clips) : 0};
}

// The arrays of one clip.
SINGERPRINT_HOST_DEVICE inline ShiftBuffers of_clip(const ShiftBuffers& all, std::int64_t b) {
  const ShiftSizes& sizes = all.sizes;
  const std::int64_t line_place = all.line_clips > 0 ? b % all.line_clips : 0;
  ShiftBuffers clip = all;
  clip.pitch.decimated += b * sizes.decimated;
  clip.hz += b * sizes.frames;
  clip.states += b;
  clip.segments += b * sizes.segments;
  clip.reaches += b * sizes.segments;
  clip.segment_of += b * sizes.knots;
  clip.knots += b * sizes.knots;
  clip.knot_hz += b * sizes.knots;
  clip.sums += b * sizes.knots * kKnotSums;
  clip.leads += b * sizes.knots;
  clip.marks += b * sizes.knots * sizes.marks_a_knot;
  clip.grains += b * sizes.knots * sizes.grains_a_knot;
  clip.sinc += b * sizes.sinc_floats;
  clip.own += line_place * sizes.knots * sizes.lines_a_knot;
  clip.wanted += line_place * sizes.knots * sizes.lines_a_knot;
  return clip;
}

}  // namespace singerprint
