// The pitch track by the threads of CUDA blocks: a block for a stretch of y, one for adjacent frames, one for the best
// path of a clip. The formulas are in dsp/pitch_track.h. Every sum has the order of the AVX-512 lanes, so that the
// decisions agree; but the autocorrelation, which the CPU makes by a transform, is summed product by product: 550 of
// them are few for a block of threads, and the sums are within 2e-6 of the energy. Written for host and device
// (core/block_thread.h).
#pragma once
#include <cstdint>

#include "core/block_thread.h"
#include "core/scalar.h"
#include "dsp/pitch_candidates.h"
#include "dsp/pitch_track.h"

namespace singerprint {

// What stands between the kernels of a batch.
struct PitchBuffers {
  float* decimated;            // (batch, count): y
  float* peaks;                // (batch, frames): the largest |d| of the middle third
  PitchCandidate* candidates;  // (batch, frames, kPitchCandidates): 0 Hz ends the list of a frame
  std::int8_t* predecessors;   // likewise
};

// ---- y ----

inline constexpr int kDecimateTile = 256;  // of y, a block

SINGERPRINT_HOST_DEVICE inline int decimate_memory_floats(int decimation) {
  return (kDecimateTile + 2 * kLowPassHalf + 1) * decimation;
}

// y[first] ... of the tile, to result (count).
SINGERPRINT_HOST_DEVICE inline void decimate_tile(BlockThread thread, const float* waveform, std::int64_t samples,
                                                  const PitchTableView& tables, std::int64_t first, std::int64_t count,
                                                  float* memory, float* result) {
  // memory[p][i] = x[(first + i - kLowPassHalf) decimation + p]: in each, the taps p, p + decimation ... are
  // neighbours.
  constexpr int kLength = kDecimateTile + 2 * kLowPassHalf + 1;
  const int decimation = tables.plan.decimation, taps = 2 * kLowPassHalf * decimation + 1;
  for (int j = thread.index; j < kLength * decimation; j += thread.count) {
    const std::int64_t n = (first - kLowPassHalf) * decimation + j;
    const float sample = n >= 0 && n < samples ? waveform[n] : 0.0f;
    memory[j % decimation * kLength + j / decimation] = sample - sample == 0.0f ? sample : 0.0f;
  }
  synchronise_block();
  for (int i = thread.index; i < kDecimateTile && first + i < count; i += thread.count) {
    float sum = 0.0f;
    for (int row = 0, tap = 0; row <= 2 * kLowPassHalf; ++row) {
      for (int phase = 0; phase < decimation && tap < taps; ++phase, ++tap) {
        sum = multiply_add(tables.low_pass[tap], memory[phase * kLength + i + row], sum);
      }
    }
    result[first + i] = sum;
  }
}

// ---- frames ----

struct alignas(16) FourFloats {
  float v[4];
};

inline constexpr int kFrameParts = 16;  // of the sum that makes the mean: the lanes of AVX-512

// The memory of a frame: the windowed frame and zeros, or later a candidate of every lag; the autocorrelation; parts.
struct FrameLayout {
  int padded, frame_floats, lag_floats;
  SINGERPRINT_HOST_DEVICE explicit FrameLayout(const PitchPlan& plan)
      : padded((plan.window_length + 3) / 4 * 4 + (plan.lags + 3) / 4 * 4 + 4),
        frame_floats(padded > 3 * plan.lags ? padded : (3 * plan.lags + 3) / 4 * 4),
        lag_floats((plan.lags + 3) / 4 * 4) {}
  SINGERPRINT_HOST_DEVICE int floats() const { return frame_floats + lag_floats + 2 * kFrameParts; }
};

// How a CUDA block of frames is made.
struct PitchFrameBlock {
  int frames, threads, shared_bytes;
};

inline PitchFrameBlock pitch_frame_block(const PitchPlan& plan) {
  constexpr int kMaximalFrames = 4;
  const int bytes = FrameLayout(plan).floats() * static_cast<int>(sizeof(float));
  const int fitting = kUsualSharedBytes / bytes, frames = fitting > kMaximalFrames ? kMaximalFrames : fitting;
  const int warps = ((plan.lags + 3) / 4 + 31) / 32;  // a thread for four lags
  return {frames, 32 * (warps > 4 ? 4 : warps), frames * bytes};
}

// a[l] of the windowed frame, which zeros follow; a thread has four neighbouring lags.
SINGERPRINT_HOST_DEVICE inline void autocorrelate(BlockThread thread, const FourFloats* frame, int window_length,
                                                  int lags, FourFloats* result) {
  const int quads = (window_length + 3) / 4;
  for (int quad = thread.index; 4 * quad < lags; quad += thread.count) {
    float s0 = 0.0f, s1 = 0.0f, s2 = 0.0f, s3 = 0.0f;
    FourFloats y = frame[quad];
    for (int n = 0; n < quads; ++n) {
      const FourFloats x = frame[n], z = frame[n + quad + 1];
      s0 = multiply_add(x.v[3], y.v[3],
                        multiply_add(x.v[2], y.v[2], multiply_add(x.v[1], y.v[1], multiply_add(x.v[0], y.v[0], s0))));
      s1 = multiply_add(x.v[3], z.v[0],
                        multiply_add(x.v[2], y.v[3], multiply_add(x.v[1], y.v[2], multiply_add(x.v[0], y.v[1], s1))));
      s2 = multiply_add(x.v[3], z.v[1],
                        multiply_add(x.v[2], z.v[0], multiply_add(x.v[1], y.v[3], multiply_add(x.v[0], y.v[2], s2))));
      s3 = multiply_add(x.v[3], z.v[2],
                        multiply_add(x.v[2], z.v[1], multiply_add(x.v[1], z.v[0], multiply_add(x.v[0], y.v[3], s3))));
      y = z;
    }
    result[quad] = {{s0, s1, s2, s3}};
  }
}

// The frame of y that begins at `first`, less its mean, times the window, followed by zeros. Returns the largest
// distance from the mean in its middle third. parts: 2 kFrameParts.
SINGERPRINT_HOST_DEVICE inline float window_frame(BlockThread thread, const float* y, std::int64_t count,
                                                  std::int64_t first, const PitchTableView& tables, int padded,
                                                  float* frame, float* parts) {
  const int length = tables.plan.window_length, whole = length / kFrameParts * kFrameParts;
  for (int n = thread.index; n < padded; n += thread.count) {
    const std::int64_t i = first + n;
    frame[n] = n < length && i >= 0 && i < count ? y[i] : 0.0f;
  }
  synchronise_block();
  for (int part = thread.index; part < kFrameParts; part += thread.count) {
    float sum = 0.0f;
    for (int n = part; n < whole; n += kFrameParts) sum += frame[n];
    parts[part] = sum;
  }
  synchronise_block();
  float mean = 0.0f, peak = 0.0f;
  for (int part = 0; part < kFrameParts; ++part) mean += parts[part];
  for (int n = whole; n < length; ++n) mean += frame[n];
  mean = mean / static_cast<float>(length);
  for (int part = thread.index; part < kFrameParts; part += thread.count) {
    float largest = 0.0f;
    for (int n = length / 3 + part; n < length - length / 3; n += kFrameParts) {
      const float distance = fabsf(frame[n] - mean);
      largest = largest > distance ? largest : distance;
    }
    parts[kFrameParts + part] = largest;
  }
  synchronise_block();
  for (int part = 0; part < kFrameParts; ++part)
    peak = peak > parts[kFrameParts + part] ? peak : parts[kFrameParts + part];
  for (int n = thread.index; n < length; n += thread.count) frame[n] = (frame[n] - mean) * tables.window[n];
  synchronise_block();
  return peak;
}

// The candidates of a frame, all but the unvoiced one, and its peak. Threads of several frames may share a block: all
// come to every barrier. memory: FrameLayout::floats, aligned to 16 bytes. Nothing is written where `stored` is false.
SINGERPRINT_HOST_DEVICE inline void find_frame_candidates(BlockThread thread, const float* y, std::int64_t count,
                                                          std::int64_t frame_index, const PitchTableView& tables,
                                                          float* memory, bool stored, PitchCandidate* candidates,
                                                          float* peak) {
  const PitchPlan& plan = tables.plan;
  const FrameLayout layout(plan);
  float* const ac = memory + layout.frame_floats;
  const float own_peak = window_frame(thread, y, count, first_of_frame(plan, frame_index, count), tables, layout.padded,
                                      memory, ac + layout.lag_floats);
  autocorrelate(thread, reinterpret_cast<const FourFloats*>(memory), plan.window_length, plan.lags,
                reinterpret_cast<FourFloats*>(ac));
  synchronise_block();
  auto* const by_lag = reinterpret_cast<PitchCandidate*>(memory);
  const FramePeaks frame{ac, tables.inverse_window_ac, 1.0f / ac[0]};
  for (int lag = plan.shortest_lag + thread.index; lag + kPeakHalfTaps < plan.lags; lag += thread.count) {
    if (!(ac[0] > 0.0f) || !candidate_at_lag(tables, frame, lag, by_lag + lag)) by_lag[lag].hz = 0.0f;
  }
  synchronise_block();
  if (thread.index != 0 || !stored) return;
  for (int c = 0; c < kPitchCandidates; ++c) candidates[c] = {0.0f, 0.0f, 0.0f};
  int found = 1;
  for (int lag = plan.shortest_lag; lag + kPeakHalfTaps < plan.lags; ++lag) {
    if (by_lag[lag].hz > 0.0f) found = keep_candidate(candidates, found, by_lag[lag]);
  }
  *peak = own_peak;
}

// ---- the path ----

inline constexpr int kPathThreads = 32, kPathTile = 32;  // frames at once in a block's memory

struct PathMemory {
  float loudest[kPathThreads];
  float totals[2][kPitchCandidates];
  PitchCandidate candidates[kPathTile + 1][kPitchCandidates];  // the frame before the tile first
  int counts[kPathTile + 1];
  std::int8_t predecessors[kPathTile][kPitchCandidates], chosen[kPathTile];
  int best;
};

// What asks for the loudest peak of the clip.
SINGERPRINT_HOST_DEVICE inline void finish_candidates(BlockThread thread, std::int64_t frames, const float* peaks,
                                                      PitchCandidate* candidates, float* loudest) {
  float own = 0.0f;
  for (std::int64_t j = thread.index; j < frames; j += thread.count) own = own > peaks[j] ? own : peaks[j];
  loudest[thread.index] = own;
  synchronise_block();
  for (int i = 0; i < thread.count; ++i) own = own > loudest[i] ? own : loudest[i];
  for (std::int64_t j = thread.index; j < frames; j += thread.count) {
    finish_candidates(peaks[j], own, candidates + j * kPitchCandidates);
  }
  synchronise_block();
}

// Frames first ... first + count - 1: totals, and predecessors in the memory.
SINGERPRINT_HOST_DEVICE inline void extend_path(BlockThread thread, float transition_factor, std::int64_t first,
                                                int count, PathMemory& memory) {
  for (int i = 0; i < count; ++i) {
    const PitchCandidate* const here = memory.candidates[i + 1];
    const int side = static_cast<int>((first + i) & 1);
    for (int c = thread.index; c < memory.counts[i + 1]; c += thread.count) {
      std::int8_t predecessor = 0;
      memory.totals[side][c] = first + i == 0
                                   ? here[c].strength
                                   : best_predecessor(memory.candidates[i], memory.counts[i], memory.totals[1 - side],
                                                      here[c], transition_factor, &predecessor);
      memory.predecessors[i][c] = predecessor;
    }
    synchronise_block();
  }
}

SINGERPRINT_HOST_DEVICE inline void walk_forward(BlockThread thread, float transition_factor, std::int64_t frames,
                                                 const PitchCandidate* candidates, std::int8_t* predecessors,
                                                 PathMemory& memory) {
  for (std::int64_t first = 0; first < frames; first += kPathTile) {
    const int count = frames - first < kPathTile ? static_cast<int>(frames - first) : kPathTile;
    for (int i = thread.index; i <= count; i += thread.count) {
      if (first + i == 0) continue;
      const PitchCandidate* const from = candidates + (first + i - 1) * kPitchCandidates;
      for (int c = 0; c < kPitchCandidates; ++c) memory.candidates[i][c] = from[c];
      memory.counts[i] = count_of_candidates(from);
    }
    synchronise_block();
    extend_path(thread, transition_factor, first, count, memory);
    for (int i = thread.index; i < count * kPitchCandidates; i += thread.count) {
      predecessors[first * kPitchCandidates + i] = memory.predecessors[i / kPitchCandidates][i % kPitchCandidates];
    }
    if (thread.index == 0 && first + count == frames) {
      const float* const totals = memory.totals[(frames - 1) & 1];
      memory.best = 0;
      for (int c = 1; c < memory.counts[count]; ++c) memory.best = totals[c] > totals[memory.best] ? c : memory.best;
    }
    synchronise_block();
  }
}

SINGERPRINT_HOST_DEVICE inline void walk_back(BlockThread thread, std::int64_t frames, const PitchCandidate* candidates,
                                              const std::int8_t* predecessors, PathMemory& memory, float* hz) {
  for (std::int64_t first = (frames - 1) / kPathTile * kPathTile; first >= 0; first -= kPathTile) {
    const int count = frames - first < kPathTile ? static_cast<int>(frames - first) : kPathTile;
    for (int i = thread.index; i < count * kPitchCandidates; i += thread.count) {
      memory.predecessors[i / kPitchCandidates][i % kPitchCandidates] = predecessors[first * kPitchCandidates + i];
    }
    synchronise_block();
    if (thread.index == 0) {
      for (int i = count - 1; i >= 0; --i) {
        memory.chosen[i] = static_cast<std::int8_t>(memory.best);
        memory.best = memory.predecessors[i][memory.best];
      }
    }
    synchronise_block();
    for (int i = thread.index; i < count; i += thread.count) {
      hz[first + i] = candidates[(first + i) * kPitchCandidates + memory.chosen[i]].hz;
    }
    synchronise_block();
  }
}

// hz (frames) of a clip from the candidates of its frames and their peaks.
SINGERPRINT_HOST_DEVICE inline void find_best_path(BlockThread thread, const PitchPlan& plan, std::int64_t frames,
                                                   const float* peaks, PitchCandidate* candidates,
                                                   std::int8_t* predecessors, PathMemory& memory, float* hz) {
  finish_candidates(thread, frames, peaks, candidates, memory.loudest);
  walk_forward(thread, plan.transition_factor, frames, candidates, predecessors, memory);
  walk_back(thread, frames, candidates, predecessors, memory, hz);
}

}  // namespace singerprint
