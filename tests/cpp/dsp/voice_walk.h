// What the kernels of a voice's analysis run (dsp/pitch_track.cuh, dsp/voice.cuh), walked through by one host thread:
// every kernel block by block, in the order of the launches.
#pragma once
#include <cstdint>
#include <vector>

#include "dsp/pitch_track_block.h"
#include "dsp/voice_block.h"
#include "dsp/voice_lock_block.h"

namespace singerprint {

inline constexpr BlockThread kAlone{0, 1};

class VoiceWalk {
 public:
  explicit VoiceWalk(const PitchTables& tables)
      : plan_(tables.plan), flat_(flattened(tables)), view_(pitch_table_view(plan_, flat_.data())) {}

  const PitchPlan& plan() const { return plan_; }

  // all: the buffers; clip: those of clip b.
  void track(const float* waveform, const ShiftBuffers& all, const ShiftBuffers& clip, std::int64_t b) const {
    const ShiftSizes& sizes = clip.sizes;
    std::vector<float> stretch(decimate_memory_floats(plan_.decimation));
    for (std::int64_t first = 0; first < sizes.decimated; first += kDecimateTile) {
      decimate_tile(kAlone, waveform, sizes.samples, view_, first, sizes.decimated, stretch.data(),
                    clip.pitch.decimated);
    }
    std::vector<FourFloats> memory(FrameLayout(plan_).floats() / 4);
    PitchCandidate* const candidates = all.pitch.candidates + b * sizes.frames * kPitchCandidates;
    float* const peaks = all.pitch.peaks + b * sizes.frames;
    for (std::int64_t frame = 0; frame < sizes.frames; ++frame) {
      find_frame_candidates(kAlone, clip.pitch.decimated, sizes.decimated, frame, view_, memory[0].v, true,
                            candidates + frame * kPitchCandidates, peaks + frame);
    }
    PathMemory path;
    find_best_path(kAlone, plan_, sizes.frames, peaks, candidates,
                   all.pitch.predecessors + b * sizes.frames * kPitchCandidates, path, clip.hz);
  }

  // The segments with their marks.
  void place_voice_marks(const ShiftBuffers& clip, bool is_asked) const {
    std::int64_t part = 0;
    double tile[kWalkTile];
    float sums[kKnotSums];
    LockMemory lock;
    find_segments(kAlone, is_asked, clip, &part);
    const std::int64_t segments = clip.states->segments;
    for (std::int64_t s = 0; s < segments; ++s) integrate_segment(kAlone, plan_, clip, s, tile, &part);
    for (std::int64_t m = 0; m < clip.sizes.knots; ++m) {
      if (clip.segment_of[m] >= 0) measure_knot(kAlone, plan_, clip, m, sums);
    }
    for (std::int64_t s = 0; s < segments; ++s) {
      lock_segment(kAlone, plan_, clip, s, lock);
      place_marks(kAlone, clip, clip.segments[s]);
    }
  }

 private:
  PitchPlan plan_;
  std::vector<float> flat_;
  PitchTableView view_;
};

// Memory for buffers, from a place that they may begin at; `buffers_in(memory, bytes)` asks and cuts.
template <class BuffersIn>
auto cut_buffers(std::vector<char>& memory, BuffersIn buffers_in) {
  constexpr std::size_t kAlignment = 256;
  std::size_t bytes = 0;
  buffers_in(nullptr, &bytes);
  memory.resize(bytes + kAlignment);
  const std::size_t past = reinterpret_cast<std::uintptr_t>(memory.data()) % kAlignment;
  return buffers_in(memory.data() + kAlignment - past, &bytes);
}

}  // namespace singerprint
