// One grain and one sample of the pitch-synchronous renderer: arithmetic of CPU and CUDA. The formulas are in
// dsp/psola.h.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/host_device.h"
#include "core/scalar.h"
#include "core/turns.h"
#include "dsp/psola.h"

namespace singerprint {

// The taps of a table for waveforms that are read in steps of `widening` samples.
SINGERPRINT_HOST_DEVICE inline std::int32_t count_of_sinc_taps(double widening) {
  return 2 * static_cast<std::int32_t>(ceil(0.5 * kSincTaps * fmax(1.0, widening)));
}

// Row `phase` of the table, (taps).
SINGERPRINT_HOST_DEVICE inline void write_sinc_row(double widening, int phase, std::int32_t taps, float* row) {
  constexpr double kPi = 3.141592653589793;
  const double half = 0.5 * taps, cutoff = 1.0 / fmax(1.0, widening);
  const auto weight = [&](std::int32_t tap) {
    const double distance = tap - (half - 1.0) - static_cast<double>(phase) / kSincPhases;
    const double hann = fabs(distance) < half ? 0.5 + 0.5 * cos(kPi * distance / half) : 0.0;
    const double angle = kPi * cutoff * distance;
    return hann * (angle == 0.0 ? 1.0 : sin(angle) / angle);
  };
  double sum = 0.0;
  for (std::int32_t tap = 0; tap < taps; ++tap) sum += weight(tap);
  for (std::int32_t tap = 0; tap < taps; ++tap) row[tap] = static_cast<float>(weight(tap) / sum);
}

// marks: those of the segment.
SINGERPRINT_HOST_DEVICE inline GrainShape shape_of_grain(const double* marks, const VoicedSegment& segment,
                                                         const Grain& grain, double formant_ratio, GrainWidth width) {
  const std::int64_t i = grain.source - segment.first_mark, last = segment.marks - 1;
  double left = i > 0 ? marks[i] - marks[i - 1] : marks[1] - marks[0];
  double right = i < last ? marks[i + 1] - marks[i] : marks[last] - marks[last - 1];
  float gain = grain.gain;
  if (width == GrainWidth::kShorterPeriod) {
    const double wanted = 0.5 * (left + right) * grain.gain;
    left = fmin(left, wanted);
    right = fmin(right, wanted);
    gain = 1.0f;
  }
  return {marks[i],
          grain.target,
          static_cast<float>(left),
          static_cast<float>(right),
          gain,
          static_cast<float>(formant_ratio)};
}

// The samples of a grain: [begin_of_grain, end_of_grain), which may lie beyond the waveform.
SINGERPRINT_HOST_DEVICE inline std::int64_t begin_of_grain(const GrainShape& grain) {
  return static_cast<std::int64_t>(ceil(grain.target - grain.left));
}
SINGERPRINT_HOST_DEVICE inline std::int64_t end_of_grain(const GrainShape& grain) {
  return static_cast<std::int64_t>(floor(grain.target + grain.right)) + 1;
}

// cos^2(pi x / 2) of a distance in half-widths, 0 from 1 on: a Hann window.
SINGERPRINT_HOST_DEVICE inline float hann_at(float distance) {
  const float cosine = cosine_of_half_turns(distance * 0.5f);
  return fabsf(distance) < 1.0f ? cosine * cosine : 0.0f;
}

// 1 - v, at a distance from the first and from the last mark of a segment.
SINGERPRINT_HOST_DEVICE inline float share_kept(double from_first, double first_period, double from_last,
                                                double last_period) {
  const float before = static_cast<float>(from_first) * static_cast<float>(-1.0 / first_period);
  const float after = static_cast<float>(from_last) * static_cast<float>(1.0 / last_period);
  return 1.0f - hann_at(fmaxf(fmaxf(before, after), 0.0f));
}

// Where a grain reads the waveform for sample n: (row + part) / kSincPhases after sample `whole`.
struct ReadingPlace {
  std::int64_t whole;
  int row;
  float part;
};
// The waveform moves by a constant distance.
SINGERPRINT_HOST_DEVICE inline ReadingPlace moved_place(double distance, std::int64_t n) {
  const double whole = floor(distance), position = (distance - whole) * kSincPhases;
  const int row = static_cast<int>(position);
  return {static_cast<std::int64_t>(whole) + n, row, static_cast<float>(position - row)};
}
SINGERPRINT_HOST_DEVICE inline ReadingPlace reading_place(const GrainShape& grain, std::int64_t n) {
  if (grain.formant_ratio == 1.0f) return moved_place(grain.source - grain.target, n);
  const double at = grain.source + grain.formant_ratio * (static_cast<double>(n) - grain.target), whole = floor(at);
  return {static_cast<std::int64_t>(whole), static_cast<int>((at - whole) * kSincPhases + 0.5), 0.0f};
}

// Between two rows of the table.
SINGERPRINT_HOST_DEVICE inline float sinc_weight(const float* weights, std::int32_t taps, std::int32_t tap,
                                                 float part) {
  return part == 0.0f ? weights[tap] : weights[tap] + part * (weights[tap + taps] - weights[tap]);
}

// The waveform at a place; it is 0 beyond its ends.
SINGERPRINT_HOST_DEVICE inline float read_between(const ReadingPlace& place, const float* waveform,
                                                  std::int64_t samples, const float* sinc, std::int32_t taps) {
  const float* const weights = sinc + place.row * taps;
  const std::int64_t first = place.whole - (taps / 2 - 1);
  float even = 0.0f, odd = 0.0f;
  for (std::int32_t tap = 0; tap < taps; tap += 2) {
    const std::int64_t i = first + tap;
    even = multiply_add(sinc_weight(weights, taps, tap, place.part), i >= 0 && i < samples ? waveform[i] : 0.0f, even);
    odd = multiply_add(sinc_weight(weights, taps, tap + 1, place.part),
                       i >= -1 && i + 1 < samples ? waveform[i + 1] : 0.0f, odd);
  }
  return even + odd;
}

// Sample n of a grain.
SINGERPRINT_HOST_DEVICE inline float grain_sample(const GrainShape& grain, const float* waveform, std::int64_t samples,
                                                  const float* sinc, std::int32_t taps, std::int64_t n) {
  const auto u = static_cast<float>(static_cast<double>(n) - grain.target);
  return read_between(reading_place(grain, n), waveform, samples, sinc, taps) *
         (hann_at(u * (u < 0.0f ? 1.0f / grain.left : 1.0f / grain.right)) * grain.gain);
}

}  // namespace singerprint
