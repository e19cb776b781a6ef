// What stands between the kernels of a time stretch: the arrays of some clips in one piece of memory, those of their
// voices (dsp/shift_buffers.h) among them.
//
// Bounds. Grains: two a mark, at half the rate.  Rests: one more than segments.  Splices: most_splices.
#pragma once
#include <cstdint>

#include "dsp/shift_buffers.h"
#include "dsp/time_stretcher.h"

namespace singerprint {

struct StretchState {
  double rate;
  std::int64_t end;  // of what comes of the waveform
  std::int64_t spans, splices;
};

struct StretchSizes {
  ShiftSizes voice;
  std::int64_t result_samples, energy_length, energies, splices;
};

struct StretchBuffers {
  StretchSizes sizes;
  ShiftBuffers voice;
  StretchState* states;  // (clips)
  VoicedSpan* spans;     // (clips, segments)
  Rest* rests;           // (clips, segments + 1)
  float* energies;       // (clips, energies)
  Splice* splices;       // (clips, splices)
};

inline StretchSizes stretch_sizes(const PitchPlan& plan, std::int64_t samples, std::int64_t result_samples) {
  StretchSizes sizes{};
  sizes.voice = shift_sizes(plan, samples);
  sizes.voice.grains_a_knot = 2 * sizes.voice.marks_a_knot;
  sizes.voice.lines_a_knot = 0;  // no harmonics, and a table of everyone's
  sizes.voice.sinc_floats = 0;
  sizes.result_samples = result_samples;
  sizes.energy_length = energy_length(sizes.voice.spacing);
  sizes.energies = samples / sizes.energy_length + 1;
  sizes.splices = most_splices(samples, sizes.voice.segments, plan.sample_rate_hz);
  return sizes;
}

// The arrays from `memory` on; *bytes: how long it has to be. memory may be null to ask for the size.
inline StretchBuffers stretch_buffers(const StretchSizes& sizes, std::int64_t clips, void* memory, std::size_t* bytes) {
  ArrayCutter take(memory);
  StretchBuffers buffers{};
  buffers.sizes = sizes;
  buffers.voice = shift_buffers(sizes.voice, clips, 0, take);
  take(buffers.states, 1, clips);
  take(buffers.spans, sizes.voice.segments, clips);
  take(buffers.rests, sizes.voice.segments + 1, clips);
  take(buffers.energies, sizes.energies, clips);
  take(buffers.splices, sizes.splices, clips);
  *bytes = take.used();
  return buffers;
}

// Clips at a time, one at least.
inline std::int64_t stretch_chunk(const StretchSizes& sizes, std::int64_t batch) {
  std::size_t bytes = 0;
  stretch_buffers(sizes, 1, nullptr, &bytes);
  return clips_that_fit(bytes, batch);
}

// The arrays of one clip.
SINGERPRINT_HOST_DEVICE inline StretchBuffers of_clip(const StretchBuffers& all, std::int64_t b) {
  const StretchSizes& sizes = all.sizes;
  StretchBuffers clip = all;
  clip.voice = of_clip(all.voice, b);
  clip.states += b;
  clip.spans += b * sizes.voice.segments;
  clip.rests += b * (sizes.voice.segments + 1);
  clip.energies += b * sizes.energies;
  clip.splices += b * sizes.splices;
  return clip;
}

}  // namespace singerprint
