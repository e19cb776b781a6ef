#include "dsp/pitch_shifter.h"

#include <algorithm>

namespace singerprint {

PitchTables pitch_shift_tables(double sample_rate_hz, const PitchShiftStyle& style) {
  return pitch_tables(sample_rate_hz, 2 * knot_spacing(sample_rate_hz), style.min_hz, style.max_hz);
}

PitchShifter::PitchShifter(const PitchTables& tables, const PitchShiftStyle& style)
    : tables_(tables),
      style_(style),
      analysis_(tables),
      remap_(tables.plan.sample_rate_hz, tables.plan.hop_length / 2),
      sinc_(sinc_table(1.0)) {}

void PitchShifter::operator()(const float* waveform, std::int64_t samples, const PitchChange& change, float* result) {
  std::copy(waveform, waveform + samples, result);
  if (is_identity(change)) return;
  const Voice& voice = analysis_(waveform, samples, change, style_.highest_psola_hz);
  const float* padded = nullptr;
  for (const VoicedSegment& segment : voice.segments) {
    if (segment.marks < 3) continue;
    if (is_remapped(segment, style_)) {
      remap_(waveform, voice, segment, change.formant_ratio, result);
    } else {
      if (padded == nullptr) padded = prepare_psola(waveform, samples, change.formant_ratio);
      render_psola(padded, samples, voice, segment, change.formant_ratio, style_.grain_width, sinc_, result);
    }
  }
}

// The waveform with silence around it, and a table for the formants, which is made again where it changes.
const float* PitchShifter::prepare_psola(const float* waveform, std::int64_t samples, double formant_ratio) {
  const double widening = std::max(1.0, formant_ratio);
  if (widening != widening_) {
    sinc_ = sinc_table(widening);
    widening_ = widening;
  }
  const std::int64_t margin = psola_margin(tables_.plan.sample_rate_hz, style_.min_hz, formant_ratio, sinc_.taps);
  padded_.assign(static_cast<std::size_t>(samples + 2 * margin), 0.0f);
  std::copy(waveform, waveform + samples, padded_.begin() + margin);
  return padded_.data() + margin;
}

}  // namespace singerprint
