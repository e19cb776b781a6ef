// The lines of a harmonic voice and their remap, a line or a sample each: arithmetic of CPU and CUDA. The formulas are
// in dsp/harmonic_remap.h.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/host_device.h"
#include "core/turns.h"
#include "dsp/voiced_phase.h"

namespace singerprint {

inline constexpr double kHighestLine = 20000.0 / 44100.0;  // of the sample rate: no harmonic beyond
inline constexpr std::int32_t kMaximalHarmonics = 1024;    // up to 20 kHz, of the lowest wanted pitch: 20 Hz

// The most lines that a knot has at a sample rate.
SINGERPRINT_HOST_DEVICE inline std::int32_t maximal_harmonics(double sample_rate_hz) {
  const double count = kHighestLine * sample_rate_hz / kLowestWantedHz;
  return count < kMaximalHarmonics ? static_cast<std::int32_t>(count) : kMaximalHarmonics;
}
// The lines of a voice of `frequency` cycles a sample: one at least, whatever the lock makes of the frequency.
SINGERPRINT_HOST_DEVICE inline std::int32_t count_of_harmonics(double frequency, std::int32_t most) {
  const double count = frequency > 0.0 ? kHighestLine / frequency : most;
  return count < 1.0 ? 1 : count < most ? static_cast<std::int32_t>(count) : most;
}

// s or q of an interval as float has room for it: phase + slope t + curve t^2 + bend t^3, phase within half a turn.
struct IntervalPhase {
  float phase, slope, curve, bend;
};
// cycles + constant t + factor (s(t) - source)
SINGERPRINT_HOST_DEVICE inline IntervalPhase interval_phase(double cycles, const PhaseKnot& knot, double constant,
                                                            double factor) {
  return {static_cast<float>(cycles - round(cycles)), static_cast<float>(constant + factor * knot.slope),
          static_cast<float>(factor * knot.curve), static_cast<float>(factor * knot.bend)};
}
template <class Float>
SINGERPRINT_HOST_DEVICE inline Float phase_at(const IntervalPhase& phase, Float t) {
  return Float(phase.phase) + (Float(phase.slope) + (Float(phase.curve) + Float(phase.bend) * t) * t) * t;
}
template <class Float>
SINGERPRINT_HOST_DEVICE inline Float within_half_a_turn(Float cycles) {
  const Float round(12582912.0f);  // 1.5 * 2^23
  return cycles - ((cycles + round) - round);
}

// The rising half of w, n of `spacing` samples after its beginning: sin^2(pi n / (2 spacing)).
SINGERPRINT_HOST_DEVICE inline float rising_weight(std::int64_t n, std::int64_t spacing) {
  const float sine = sine_of_half_turns(0.5f * static_cast<float>(n) / static_cast<float>(spacing));
  return sine * sine;
}

// What a knot's sum of an interval is multiplied by; where it has one alone, half a window counts twice.
SINGERPRINT_HOST_DEVICE inline float share_of_interval(std::int64_t spacing, bool alone) {
  return (alone ? 4.0f : 2.0f) / static_cast<float>(spacing);
}

// The wanted frequency at a knot over the voice's own.
SINGERPRINT_HOST_DEVICE inline double ratio_at_knot(const PhaseKnot& knot) {
  return (knot.constant + static_cast<double>(knot.factor) * knot.slope) / knot.slope;
}

// The slope of the envelope at a line, counted from 0: between two others the harmonic mean of the steps to it and from
// it, so that the cubic has no peak of its own; at either end the one step there is.
SINGERPRINT_HOST_DEVICE inline float envelope_slope(const float* log2_level, std::int32_t harmonics, std::int32_t k) {
  if (harmonics < 2) return 0.0f;
  const std::int32_t last = harmonics - 1;
  const float before = k > 0 ? log2_level[k] - log2_level[k - 1] : log2_level[1] - log2_level[0];
  const float after = k < last ? log2_level[k + 1] - log2_level[k] : before;
  return before * after > 0.0f ? 2.0f * before * after / (before + after) : 0.0f;
}

// The cubic between two values with their slopes, at x in [0, 1].
SINGERPRINT_HOST_DEVICE inline float hermite(float from, float to, float slope_from, float slope_to, float x) {
  const float y = 1.0f - x;
  return y * y * ((1.0f + 2.0f * x) * from + x * slope_from) + x * x * ((1.0f + 2.0f * y) * to - y * slope_to);
}

// log2 E of wanted line k, counted from 0, `step` of the voice's lines apart.
SINGERPRINT_HOST_DEVICE inline float envelope_at_line(const float* log2_level, const float* slope,
                                                      std::int32_t harmonics, std::int32_t k, float step) {
  const std::int32_t last = harmonics - 1;
  if (last == 0) return log2_level[0];
  const float wanted = static_cast<float>(k + 1) * step - 1.0f, above = wanted > 0.0f ? wanted : 0.0f;
  const float at = above < static_cast<float>(last) ? above : static_cast<float>(last);
  const std::int32_t below = static_cast<std::int32_t>(at) < last - 1 ? static_cast<std::int32_t>(at) : last - 1;
  return hermite(log2_level[below], log2_level[below + 1], slope[below], slope[below + 1],
                 at - static_cast<float>(below));
}

// The fade of a segment that begins `from_begin` samples before and ends `from_end` samples after.
SINGERPRINT_HOST_DEVICE inline float segment_fade(std::int64_t from_begin, std::int64_t from_end,
                                                  std::int64_t spacing) {
  const std::int64_t nearest = from_begin < from_end ? from_begin : from_end;
  const float part = static_cast<float>(nearest) / (2.0f * static_cast<float>(spacing));
  const float x = part < 1.0f ? part : 1.0f;
  return x * x * (3.0f - 2.0f * x);
}

}  // namespace singerprint
