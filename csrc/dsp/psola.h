// Pitch-synchronous overlap-add: the periods of a voice, set down again at the wanted distance.
//   y[n] = sum_j g_j w_j(n - q_j) x(s_j + formant_ratio (n - q_j)) + x[n] product over segments of (1 - v[n])
//   w_j = Hann, half-widths = the periods of the voice before and after mark s_j;  g_j = wanted over own period
//   v = 1 between the first and the last mark of a segment, a half Hann of one period on either side
// x between samples: windowed sinc. With g_j the lines of the spectrum keep their level, whatever their distance.
// Moulines and Charpentier, "Pitch-synchronous waveform processing techniques for text-to-speech synthesis using
// diphones", Speech Communication 9 (1990), 453-467. Marks and targets are real numbers here, not samples.
#pragma once
#include <cstdint>
#include <vector>

#include "core/dispatch.h"
#include "dsp/voice.h"

namespace singerprint {

inline constexpr int kSincPhases = 256;
inline constexpr int kSincTaps = 12;
inline constexpr int kMaximalSincTaps = 48;  // of a table for formants four times as high

// Taps of every phase, (kSincPhases + 1, taps): row p interpolates at p / kSincPhases after tap taps / 2 - 1. Its
// cutoff is half the sample rate over `widening` >= 1, for waveforms that are read in steps of `widening` samples.
struct SincTable {
  std::int32_t taps;
  std::vector<float> weights;
};
SincTable sinc_table(double widening);

// Where a grain is taken from and where it goes, in samples.
struct GrainShape {
  double source, target;
  float left, right;  // half-widths
  float gain;
  float formant_ratio;
};

// result[n] += grain, for n in [begin, end) within the grain; waveform[-margin .. samples + margin) is readable.
SINGERPRINT_DECLARE_LANES(void, add_grain_lanes,
                          (const float* waveform, const GrainShape& grain, const float* sinc, std::int32_t taps,
                           std::int64_t begin, std::int64_t end, float* result))
// result[n] = x(n + distance), n in [begin, end): what a grain without a window is.
SINGERPRINT_DECLARE_LANES(void, read_moved_lanes,
                          (const float* waveform, double distance, const float* sinc, std::int32_t taps,
                           std::int64_t begin, std::int64_t end, float* result))
// result[n] *= 1 - v[n] at both ends of a segment, and 0 between its marks.
SINGERPRINT_DECLARE_LANES(void, mute_segment_lanes,
                          (double first_mark, double first_period, double last_mark, double last_period,
                           std::int64_t samples, float* result))

// The width of a grain: a period of the voice on either side or, as Praat has it, the wanted period where that is
// shorter. The latter keeps more of the breath's noise apart, and loses level where the pitch falls.
enum class GrainWidth { kOwnPeriod, kShorterPeriod };

// Renders a segment of at least three marks into `result`, which holds the waveform.
void render_psola(const float* padded, std::int64_t samples, const Voice& voice, const VoicedSegment& segment,
                  double formant_ratio, GrainWidth width, const SincTable& sinc, float* result);

// Zeros that must stand on both sides of the waveform.
std::int64_t psola_margin(double sample_rate_hz, double min_hz, double formant_ratio, std::int32_t taps);

}  // namespace singerprint
