// PitchShifter: the pitch of a sung clip, its range and its formants changed apart from each other.
//   voiced segments whose median lies below `highest_psola_hz`: psola; the others: harmonic_remap
//   everything else, and a clip that nothing is asked of: the waveform itself, bit for bit
// Low voices have periods long enough to be set down whole. In high ones a wanted harmonic may fall between two of the
// voice, where a sum of periods is hollow: there the harmonics themselves are moved.
#pragma once
#include <cstdint>
#include <vector>

#include "dsp/harmonic_remap.h"
#include "dsp/psola.h"
#include "dsp/voice.h"

namespace singerprint {

inline constexpr float kSmallestRatio = 0.25f, kLargestRatio = 4.0f;  // of a change; the range may be 0

// Nothing is asked.
SINGERPRINT_HOST_DEVICE inline bool is_identity(const PitchChange& change) {
  return change.pitch_ratio == 1.0 && change.pitch_range_ratio == 1.0 && change.formant_ratio == 1.0;
}

struct PitchShiftStyle {
  double min_hz, max_hz;  // where the voice is looked for
  double highest_psola_hz;
  GrainWidth grain_width;
};
// Ours; and the limits and grains of Praat's "Change gender" as Torres et al. (2023) call it.
inline constexpr PitchShiftStyle kOwnStyle{60.0, 1500.0, 200.0, GrainWidth::kOwnPeriod};
inline constexpr PitchShiftStyle kPraatStyle{75.0, 600.0, 1e9, GrainWidth::kShorterPeriod};

SINGERPRINT_HOST_DEVICE inline bool is_remapped(const VoicedSegment& segment, const PitchShiftStyle& style) {
  return segment.median_hz >= style.highest_psola_hz;
}

// For one thread at a time; the tables are shared.
class PitchShifter {
 public:
  PitchShifter(const PitchTables& tables, const PitchShiftStyle& style);
  // result (samples), which may not overlap the waveform.
  void operator()(const float* waveform, std::int64_t samples, const PitchChange& change, float* result);

 private:
  const float* prepare_psola(const float* waveform, std::int64_t samples, double formant_ratio);

  const PitchTables& tables_;
  PitchShiftStyle style_;
  VoiceAnalysis analysis_;
  HarmonicRemap remap_;
  SincTable sinc_;
  double widening_ = 1.0;  // of sinc_
  std::vector<float> padded_;
};

// Tables for `style` at a sample rate.
PitchTables pitch_shift_tables(double sample_rate_hz, const PitchShiftStyle& style);

}  // namespace singerprint
