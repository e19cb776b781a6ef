// The phase of a sung voice and the phase it is to have: arithmetic of CPU and CUDA.
//
// Knots stand every `spacing` samples: two a frame of the pitch track. Between knot m and the next one, t samples on,
//   s(t) = source + slope t + curve t^2 + bend t^3   cycles: rises by 1 a period, an integer at every mark
//   q(t) = target + constant t + factor (s(t) - source)
// s is the integral of the pitch track, locked on the waveform: its distance to the phase of the strongest of the
// harmonics 1 to 3 of x is measured at every knot and followed. So s does not drift, keeps the jitter of the voice,
// and its integers are marks with the precision of the phase, not of a sample.
// The wanted frequency f' = m r + (f r - m r) range, f = s', m = median of the track, is affine in f: so is its
// integral q in s and t, and both phases are known in closed form wherever they are asked for.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/host_device.h"

namespace singerprint {

struct PhaseKnot {
  double source, target;     // cycles
  float slope, curve, bend;  // cycles a sample, a sample^2, a sample^3
  float constant, factor;    // cycles a sample, ratio
};

struct PitchChange {
  double pitch_ratio, pitch_range_ratio, formant_ratio;
};

// What s rises by within t samples of the knot.
SINGERPRINT_HOST_DEVICE inline double rise_at(const PhaseKnot& knot, double t) {
  return (knot.slope + (knot.curve + knot.bend * t) * t) * t;
}
SINGERPRINT_HOST_DEVICE inline double source_at(const PhaseKnot& knot, double t) {
  return knot.source + rise_at(knot, t);
}
// s', cycles a sample.
SINGERPRINT_HOST_DEVICE inline double frequency_at(const PhaseKnot& knot, double t) {
  return knot.slope + (2.0 * knot.curve + 3.0 * knot.bend * t) * t;
}
// What q rises by within t samples of the knot.
SINGERPRINT_HOST_DEVICE inline double advance_at(const PhaseKnot& knot, double t) {
  return knot.constant * t + knot.factor * rise_at(knot, t);
}
SINGERPRINT_HOST_DEVICE inline double target_at(const PhaseKnot& knot, double t) {
  return knot.target + advance_at(knot, t);
}

// t in [0, spacing] with constant t + factor (s(t) - source) = advance, by Newton's method from the chord: the phase
// rises throughout, and bends so little within an interval that three steps reach the last bit.
SINGERPRINT_HOST_DEVICE inline double time_of_advance(const PhaseKnot& knot, double constant, double factor,
                                                      double advance, double spacing) {
  const double whole = constant * spacing + factor * rise_at(knot, spacing);
  double t = whole > 0.0 ? spacing * advance / whole : 0.0;
  for (int step = 0; step < 3; ++step) {
    const double error = constant * t + factor * rise_at(knot, t) - advance;
    const double slope = constant + factor * frequency_at(knot, t);
    if (slope > 0.0) t -= error / slope;
    t = t < 0.0 ? 0.0 : t > spacing ? spacing : t;
  }
  return t;
}

// The wanted frequency over the local one: constant + factor f, cycles a sample.
struct FrequencyMap {
  double constant, factor;
};

inline constexpr double kLowestWantedHz = 20.0;
inline constexpr double kHighestWanted = 0.25;  // cycles a sample

// Where the wanted frequency leaves [20 Hz, a quarter of the sample rate] between two frequencies of the voice, its
// middle value, clamped, holds for all of them.
SINGERPRINT_HOST_DEVICE inline FrequencyMap frequency_map(const PitchChange& change, double median_hz,
                                                          double sample_rate_hz, double first, double last) {
  const double lowest = kLowestWantedHz / sample_rate_hz;
  const double factor = change.pitch_ratio * change.pitch_range_ratio;
  const double constant = median_hz / sample_rate_hz * change.pitch_ratio * (1.0 - change.pitch_range_ratio);
  const double at_first = constant + factor * first, at_last = constant + factor * last;
  const double low = fmin(at_first, at_last), high = fmax(at_first, at_last);
  if (low >= lowest && high <= kHighestWanted) return {constant, factor};
  const double middle = 0.5 * (low + high);
  return {fmin(fmax(middle, lowest), kHighestWanted), 0.0};
}

// The map of an interval, by the frequencies at both ends and its average: so q rises by at most a quarter a sample.
SINGERPRINT_HOST_DEVICE inline FrequencyMap frequency_map_of_interval(const PitchChange& change, double median_hz,
                                                                      double sample_rate_hz, const PhaseKnot& knot,
                                                                      double spacing) {
  const double first = knot.slope, last = frequency_at(knot, spacing), average = rise_at(knot, spacing) / spacing;
  return frequency_map(change, median_hz, sample_rate_hz, fmin(average, fmin(first, last)),
                       fmax(average, fmax(first, last)));
}

}  // namespace singerprint
