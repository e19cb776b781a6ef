#include "dsp/psola.h"

#include <algorithm>
#include <cmath>

#include "dsp/psola_sample.h"

namespace singerprint {

SincTable sinc_table(double widening) {
  SincTable table;
  table.taps = count_of_sinc_taps(widening);
  table.weights.resize(static_cast<std::size_t>((kSincPhases + 1) * table.taps));
  for (int phase = 0; phase <= kSincPhases; ++phase) {
    write_sinc_row(widening, phase, table.taps, table.weights.data() + phase * table.taps);
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
    const GrainShape shape = shape_of_grain(marks, segment, grain, formant_ratio, width);
    const std::int64_t begin = std::max<std::int64_t>(0, begin_of_grain(shape));
    const std::int64_t end = std::min(samples, end_of_grain(shape));
    SINGERPRINT_LANES(add_grain_lanes)(padded, shape, sinc.weights.data(), sinc.taps, begin, end, result);
  }
}

}  // namespace singerprint
