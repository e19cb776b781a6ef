// The pitch candidates of a frame and the best path through the candidates of a clip: arithmetic of CPU and CUDA.
// Products and sums are rounded apart: an fma that the CPU's baseline lacks would be a library call.
#pragma once
#include <cstdint>
#include <cstring>

#include "dsp/pitch_track.h"

namespace singerprint {

// log2 of a positive normal number, from IEEE operations alone: CPU and CUDA then choose the same path.
//   x = 2^e m, sqrt(1/2) <= m < sqrt(2);  log2 m = (2 / ln 2) (s + s^3 / 3 + s^5 / 5 + ...), s = (m - 1) / (m + 1)
SINGERPRINT_HOST_DEVICE inline float log2_of(float x) {
  std::int32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  const std::int32_t shifted = bits - 0x3f3504f3;  // sqrt(1/2)
  const std::int32_t mantissa = (shifted & 0x007fffff) + 0x3f3504f3;
  float m;
  std::memcpy(&m, &mantissa, sizeof(m));
  const float s = (m - 1.0f) / (m + 1.0f), square = s * s;
  float series = 2.0f / 9.0f;
  series = series * square + 2.0f / 7.0f;
  series = series * square + 2.0f / 5.0f;
  series = series * square + 2.0f / 3.0f;
  series = series * square + 2.0f;
  return s * series * 1.44269504f + static_cast<float>(shifted >> 23);
}

struct RefinedPeak {
  float lag, height;
};

// The vertex of the parabola through three equidistant values around x, `step` apart.
SINGERPRINT_HOST_DEVICE inline RefinedPeak parabola_vertex(float x, float step, float left, float middle, float right) {
  const float curvature = 2.0f * middle - left - right, slope = right - left;
  if (!(curvature > 0.0f)) return {x, middle};
  return {x + 0.5f * step * slope / curvature, middle + 0.125f * slope * slope / curvature};
}

// The peak near a lag from the heights around it, kPeakPhases on a grid of 1 / kPeakSteps: band-limited interpolation,
//   heights[phase] = sum_tap peak_weights[tap, phase] r[lag + tap - kPeakHalfTaps]
// A parabola through three lags would be off by tens of cents at 1400 Hz, where a period is 8 lags long; and where the
// third harmonic is strong it would miss so much of a height between two lags that twice the period, by chance on a
// lag, would win.
SINGERPRINT_HOST_DEVICE inline RefinedPeak peak_of_heights(int lag, const float* heights) {
  int best = 0;
  for (int phase = 1; phase < kPeakPhases; ++phase) best = heights[phase] > heights[best] ? phase : best;
  const int middle = best < 1 ? 1 : best > kPeakPhases - 2 ? kPeakPhases - 2 : best;
  const float at = static_cast<float>(lag) + static_cast<float>(middle - kPeakReach) / kPeakSteps;
  return parabola_vertex(at, 1.0f / kPeakSteps, heights[middle - 1], heights[middle], heights[middle + 1]);
}

// Of a frame whose peak is `relative_peak` of the loudest of the clip.
SINGERPRINT_HOST_DEVICE inline PitchCandidate unvoiced_candidate(float relative_peak) {
  constexpr float kSilence = 0.03f, kVoicing = 0.45f;
  const float quiet = 2.0f - relative_peak / (kSilence / (1.0f + kVoicing));
  return {0.0f, 0.0f, kVoicing + (quiet > 0.0f ? quiet : 0.0f)};
}
// A quieter frame has no other candidate.
SINGERPRINT_HOST_DEVICE inline bool is_audible(float relative_peak) { return relative_peak >= 1e-4f; }

// What asks for the loudest peak of the clip: the unvoiced candidate, and whether there are others.
SINGERPRINT_HOST_DEVICE inline void finish_candidates(float peak, float loudest, PitchCandidate* candidates) {
  const float relative_peak = loudest > 0.0f ? peak / loudest : 0.0f;
  candidates[0] = unvoiced_candidate(relative_peak);
  if (!is_audible(relative_peak)) candidates[1].hz = 0.0f;
}

// Whether r[lag] is a peak that counts.
SINGERPRINT_HOST_DEVICE inline bool is_pitch_peak(float left, float here, float right) {
  return here > kLowestPeak && here > left && here >= right;
}

// Whether a peak lies in the range, and which candidate it makes.
SINGERPRINT_HOST_DEVICE inline bool candidate_of_peak(const PitchPlan& plan, const RefinedPeak& peak,
                                                      PitchCandidate* candidate) {
  constexpr float kOctaveCost = 0.01f;
  const float hz = static_cast<float>(plan.decimated_rate_hz) / peak.lag;
  if (!(hz >= plan.min_hz) || !(hz <= plan.max_hz)) return false;
  const float height = peak.height > 1.0f ? 1.0f / peak.height : peak.height;
  const float log2_hz = log2_of(hz);
  *candidate = {hz, log2_hz, height - kOctaveCost * (log2_of(plan.max_hz) - log2_hz)};
  return true;
}

// What a thread makes the candidates of a frame from, where none has more than a lag.
struct FramePeaks {
  const float *ac, *inverse_window_ac;
  float inverse_energy;  // 1 / a[0]
  SINGERPRINT_HOST_DEVICE float normalised(int lag) const {
    const int l = lag < 0 ? -lag : lag;
    return ac[l] * (inverse_window_ac[l] * inverse_energy);
  }
};

SINGERPRINT_HOST_DEVICE inline bool candidate_at_lag(const PitchTableView& tables, const FramePeaks& frame, int lag,
                                                     PitchCandidate* candidate) {
  if (!is_pitch_peak(frame.normalised(lag - 1), frame.normalised(lag), frame.normalised(lag + 1))) return false;
  float values[kPeakTaps], heights[kPeakPhases];
  for (int tap = 0; tap < kPeakTaps; ++tap) values[tap] = frame.normalised(lag + tap - kPeakHalfTaps);
  for (int phase = 0; phase < kPeakPhases; ++phase) {
    float sum = 0.0f;
    for (int tap = 0; tap < kPeakTaps; ++tap) sum += tables.peak_weights[tap * kPeakRow + phase] * values[tap];
    heights[phase] = sum;
  }
  return candidate_of_peak(tables.plan, peak_of_heights(lag, heights), candidate);
}

// Keeps the strongest of the candidates; returns how many there are.
SINGERPRINT_HOST_DEVICE inline int keep_candidate(PitchCandidate* candidates, int count, const PitchCandidate& found) {
  if (count < kPitchCandidates) {
    candidates[count] = found;
    return count + 1;
  }
  int weakest = 1;
  for (int c = 2; c < kPitchCandidates; ++c) {
    if (candidates[c].strength < candidates[weakest].strength) weakest = c;
  }
  if (found.strength > candidates[weakest].strength) candidates[weakest] = found;
  return count;
}

// How many candidates of a frame stand before the first empty place.
SINGERPRINT_HOST_DEVICE inline int count_of_candidates(const PitchCandidate* candidates) {
  int count = 1;
  while (count < kPitchCandidates && candidates[count].hz > 0.0f) ++count;
  return count;
}

SINGERPRINT_HOST_DEVICE inline float pitch_transition_cost(const PitchCandidate& from, const PitchCandidate& to,
                                                           float factor) {
  constexpr float kOctaveJump = 0.35f, kVoicingChange = 0.14f;
  const bool from_voiced = from.hz > 0.0f, to_voiced = to.hz > 0.0f;
  if (from_voiced != to_voiced) return kVoicingChange * factor;
  const float distance = from.log2_hz - to.log2_hz;
  return kOctaveJump * factor * (distance < 0.0f ? -distance : distance);
}

// One step of the best path: totals of the previous frame's candidates -> totals and predecessor of one candidate.
SINGERPRINT_HOST_DEVICE inline float best_predecessor(const PitchCandidate* previous, int previous_count,
                                                      const float* totals, const PitchCandidate& candidate,
                                                      float factor, std::int8_t* predecessor) {
  float best = -1e30f;
  for (int c = 0; c < previous_count; ++c) {
    const float total = totals[c] - pitch_transition_cost(previous[c], candidate, factor);
    if (total > best) {
      best = total;
      *predecessor = static_cast<std::int8_t>(c);
    }
  }
  return best + candidate.strength;
}

}  // namespace singerprint
