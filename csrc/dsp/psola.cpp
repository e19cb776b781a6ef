#include "dsp/psola.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace singerprint {

SincTable sinc_table(double widening) {
  SincTable table;
  table.taps = 2 * static_cast<std::int32_t>(std::ceil(0.5 * kSincTaps * std::max(1.0, widening)));
  const double half = 0.5 * table.taps, cutoff = 1.0 / std::max(1.0, widening);
  for (int phase = 0; phase <= kSincPhases; ++phase) {
    std::vector<double> row;
    double sum = 0.0;
    for (int tap = 0; tap < table.taps; ++tap) {
      const double distance = tap - (half - 1.0) - static_cast<double>(phase) / kSincPhases;
      const double hann = std::abs(distance) < half ? 0.5 + 0.5 * std::cos(std::numbers::pi * distance / half) : 0.0;
      const double angle = std::numbers::pi * cutoff * distance;
      row.push_back(hann * (angle == 0.0 ? 1.0 : std::sin(angle) / angle));
      sum += row.back();
    }
    for (const double weight : row) table.weights.push_back(static_cast<float>(weight / sum));
  }
  return table;
}

std::int64_t psola_margin(double sample_rate_hz, double min_hz, double formant_ratio, std::int32_t taps) {
  // Twice the longest period: a locked period may be longer than the track's longest.
  return static_cast<std::int64_t>(2.0 * sample_rate_hz / min_hz * std::max(1.0, formant_ratio)) + taps + 64;
}

void render_psola(const float* padded, std::int64_t samples, const Voice& voice, const VoicedSegment& segment,
                  double formant_ratio, GrainWidth width, const SincTable& sinc, float* result) {
  const double* const marks = voice.marks.data() + segment.first_mark;
  const std::int64_t last = segment.marks - 1;
  SINGERPRINT_LANES(mute_segment_lanes)
  (marks[0], marks[1] - marks[0], marks[last], marks[last] - marks[last - 1], samples, result);
  for (std::int64_t j = 0; j < segment.grains; ++j) {
    const Grain& grain = voice.grains[segment.first_grain + j];
    const std::int64_t i = grain.source - segment.first_mark;
    double left = i > 0 ? marks[i] - marks[i - 1] : marks[1] - marks[0];
    double right = i < last ? marks[i + 1] - marks[i] : marks[last] - marks[last - 1];
    float gain = grain.gain;
    if (width == GrainWidth::kShorterPeriod) {
      const double wanted = 0.5 * (left + right) * grain.gain;
      left = std::min(left, wanted);
      right = std::min(right, wanted);
      gain = 1.0f;
    }
    const auto begin = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(grain.target - left)));
    const auto end = std::min(samples, static_cast<std::int64_t>(std::floor(grain.target + right)) + 1);
    const GrainShape shape{marks[i],   grain.target, static_cast<float>(left), static_cast<float>(right),
                           gain,       static_cast<float>(formant_ratio)};
    SINGERPRINT_LANES(add_grain_lanes)(padded, shape, sinc.weights.data(), sinc.taps, begin, end, result);
  }
}

}  // namespace singerprint
