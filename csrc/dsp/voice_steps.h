// The steps from a pitch track to marks and grains, a knot or an interval each: arithmetic of CPU and CUDA.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/host_device.h"
#include "core/turns.h"
#include "dsp/voice.h"

namespace singerprint {

inline constexpr double kTwoPi = 6.283185307179586;

// The segment of the voiced frames [begin, end): half a hop longer on both sides, within the clip. Without a length
// where last_knot is not above first_knot.
SINGERPRINT_HOST_DEVICE inline VoicedSegment segment_of_frames(std::int64_t begin, std::int64_t end,
                                                               std::int64_t samples, std::int64_t spacing) {
  VoicedSegment segment{};
  const std::int64_t last = samples / spacing;
  segment.first_knot = begin == 0 ? 0 : 2 * begin - 1;
  segment.last_knot = 2 * end - 1 < last ? 2 * end - 1 : last;
  return segment;
}

// The pitch track at knot m of a segment, of the frames beside it or the nearest of the segment.
SINGERPRINT_HOST_DEVICE inline float track_at_knot(const float* hz, const VoicedSegment& segment, std::int64_t m) {
  const std::int64_t first = (segment.first_knot + 1) / 2, last = segment.last_knot / 2;
  const auto nearest = [&](std::int64_t frame) { return hz[frame < first ? first : frame > last ? last : frame]; };
  return 0.5f * (nearest(m / 2) + nearest((m + 1) / 2));
}

// s between two knots of the track: its frequency changes linearly.
SINGERPRINT_HOST_DEVICE inline void follow_track(PhaseKnot& knot, float hz, float next_hz, double sample_rate_hz,
                                                 double spacing) {
  knot.slope = static_cast<float>(hz / sample_rate_hz);
  knot.curve = static_cast<float>((next_hz - hz) / (2.0 * spacing * sample_rate_hz));
}

// The whole turns of a knot's phase are nothing to exp(2 pi i s), and float has no room for them.
SINGERPRINT_HOST_DEVICE inline float part_of_turn(double cycles) {
  return static_cast<float>(cycles - static_cast<double>(static_cast<std::int64_t>(cycles)));
}

// exp(-2 pi i s) t samples from a knot; s's `phase` by part_of_turn.
template <class Float>
SINGERPRINT_HOST_DEVICE inline Phasor<Float> phasor_of_track(Float phase, Float slope, Float curve, Float t) {
  return phasor_of_turns(-(phase + (slope + curve * t) * t));
}

// Half the window that the phase is measured under, in numbers of y.
SINGERPRINT_HOST_DEVICE inline std::int64_t lock_half_window(double decimated_rate_hz, double hz) {
  constexpr double kPeriods = 1.5, kShortest = 220.0 / 44100.0;
  return static_cast<std::int64_t>(fmax(kPeriods * decimated_rate_hz / hz, kShortest * decimated_rate_hz));
}

// The harmonic to lock on, 0 for the fundamental: a lower one is left for one that is four times as loud.
SINGERPRINT_HOST_DEVICE inline int lock_harmonic(const float* loudness) {
  constexpr float kWeak = 0.25f;
  int h = 0;
  for (int other = 1; other < kLockHarmonics; ++other) {
    if (loudness[h] < kWeak * loudness[other]) h = other;
  }
  return h;
}

// What the waveform's phase is ahead of the track's, in cycles, modulo `turns` = 1 / harmonic.
SINGERPRINT_HOST_DEVICE inline double measured_lead(float re, float im, double turns) {
  return atan2(static_cast<double>(im), static_cast<double>(re)) / kTwoPi * turns;
}
// The most that the lead may change on the way to a knot: a fiftieth of the frequency, 34 cents. The track and the
// jitter of a voice ask for less; where its end mixes with its echo, the harmonics' phases turn faster than it sings.
SINGERPRINT_HOST_DEVICE inline double lead_limit(float hz, double sample_rate_hz, double spacing) {
  constexpr double kFollow = 0.02;
  return kFollow * hz / sample_rate_hz * spacing;
}
SINGERPRINT_HOST_DEVICE inline double next_lead(double lead, double measured, double turns, double limit) {
  const double distance = measured - lead, step = distance - turns * round(distance / turns);
  return lead + fmin(fmax(step, -limit), limit);
}

// The share of an interval in the first circular moment of the energy of a period.
struct Moment {
  double re, im;
};
SINGERPRINT_HOST_DEVICE inline Moment turned_moment(float re, float im, double lead, double next_lead) {
  const double angle = -0.5 * kTwoPi * (lead + next_lead), c = cos(angle), s = sin(angle);
  return {re * c - im * s, re * s + im * c};
}
SINGERPRINT_HOST_DEVICE inline double centre_of_energy(const Moment& sum) { return -atan2(sum.im, sum.re) / kTwoPi; }

// Adds the lead to an interval as a cubic with the middle slopes of its neighbours: a frequency that jumped at a knot
// would be heard as a click. leads: of the knot before, of its own two knots and of the one after.
SINGERPRINT_HOST_DEVICE inline void add_lead(PhaseKnot& knot, double before, double lead, double next, double after,
                                             double spacing) {
  const double rise = next - lead, first = 0.5 * (next - before), last = 0.5 * (after - lead);
  knot.slope += static_cast<float>(first / spacing);
  knot.curve += static_cast<float>((3.0 * rise - 2.0 * first - last) / (spacing * spacing));
  knot.bend = static_cast<float>((first + last - 2.0 * rise) / (spacing * spacing * spacing));
}

// The phase of a segment's first mark; that of mark i is i more.
SINGERPRINT_HOST_DEVICE inline double first_mark_phase(const PhaseKnot& first_knot) {
  return floor(first_knot.source) + 1.0;
}

// write(phase, t) for the integers of s between a knot and the next one, whose phase is `last`.
template <class Write>
SINGERPRINT_HOST_DEVICE inline void for_each_mark(const PhaseKnot& knot, double last, double spacing, Write write) {
  for (double phase = first_mark_phase(knot); phase <= last; phase += 1.0) {
    write(phase, time_of_advance(knot, 0.0, 1.0, phase - knot.source, spacing));
  }
}

// write(phase, t) for the integers of q from 0 on between a knot and the next one, whose target is `last`.
template <class Write>
SINGERPRINT_HOST_DEVICE inline void for_each_grain(const PhaseKnot& knot, double last, double spacing, Write write) {
  constexpr double kRounding = 1e-6;  // the first grain stands on the first mark, whatever q's rounding there
  const double first = fmax(0.0, floor(knot.target + 1.0 - kRounding));
  for (double phase = first; phase < last - kRounding; phase += 1.0) {
    write(phase, time_of_advance(knot, knot.constant, knot.factor, phase - knot.target, spacing));
  }
}

// No grain stands beyond the last mark.
SINGERPRINT_HOST_DEVICE inline bool is_beyond(double at, double last_mark) { return at > last_mark + 0.5; }

// The grain at `at`, t samples from a knot: of the mark that is nearest in s, the earlier of two (an octave up every
// other grain stands half way between two, and rounding shall not choose). The ends' marks serve their own places
// alone: beyond them is what the voice came from or goes to, a hiss that must not begin early or end late.
SINGERPRINT_HOST_DEVICE inline Grain grain_of(const PhaseKnot& knot, double at, double t, double first_phase,
                                              const VoicedSegment& segment) {
  constexpr double kRounding = 1e-3;  // periods
  const double place = source_at(knot, t) - first_phase;
  const auto nearest = static_cast<std::int64_t>(floor(place + 0.5 - kRounding)), last = segment.marks - 1;
  const std::int64_t lowest = place > kRounding ? 1 : 0;
  const std::int64_t highest = static_cast<double>(last) - place > kRounding ? last - 1 : last;
  const std::int64_t mark = nearest < lowest ? lowest : nearest < highest ? nearest : highest;
  const double own = frequency_at(knot, t), wanted = knot.constant + knot.factor * own;
  return {at, segment.first_mark + mark, static_cast<float>(own / wanted)};
}

}  // namespace singerprint
