// A clip as its voiced segments see it: the result of the analysis, the input of the renderers.
#pragma once
#include <cstdint>
#include <vector>

#include "core/dispatch.h"
#include "dsp/pitch_track.h"
#include "dsp/voiced_phase.h"

namespace singerprint {

// Knots [first_knot, last_knot] of the clip; marks [first_mark, first_mark + marks) of its list.
struct VoicedSegment {
  std::int64_t first_knot, last_knot;
  std::int64_t first_mark, marks;    // where s is an integer
  std::int64_t first_grain, grains;  // where q is an integer
  double median_hz;
};

// A grain of the pitch-synchronous renderer: what surrounds mark `source` is to stand around `target`.
struct Grain {
  double target;        // sample
  std::int64_t source;  // mark
  float gain;           // wanted period over the period of the voice
};

struct Voice {
  std::int64_t spacing;          // samples between knots
  double median_hz;              // of all voiced frames; 0 where there is none
  std::vector<float> hz;         // (frames)
  std::vector<PhaseKnot> knots;  // (knots): of a segment's last knot, only the phases hold
  std::vector<VoicedSegment> segments;
  std::vector<double> marks;  // samples
  std::vector<Grain> grains;
};

inline constexpr int kLockHarmonics = 3;  // that the phase may be locked on

// Of an interval of `count` numbers of y, `decimation` samples apart, at the phase p = phase + slope t + curve t^2:
//   demodulated[2 h + part][i] = y[i] exp(-2 pi i (h + 1) p), rows `distance` apart;  moment += y[i]^2 exp(-2 pi i p)
SINGERPRINT_DECLARE_LANES(void, demodulate_lanes,
                          (const float* y, std::int64_t count, std::int32_t decimation, const PhaseKnot& knot,
                           float* demodulated, std::int64_t distance, float* moment))
// sums[row] = sum_i hann((i - centre) / half) rows[row][i], i in [begin, end), for 2 kLockHarmonics rows
SINGERPRINT_DECLARE_LANES(void, window_sums_lanes,
                          (const float* rows, std::int64_t distance, std::int64_t begin, std::int64_t end,
                           std::int64_t centre, std::int64_t half, float* sums))

// The pitch plan's hop must be twice the spacing of the knots, and the spacing a multiple of its decimation.
std::int64_t knot_spacing(double sample_rate_hz);

class VoiceAnalysis {
 public:
  explicit VoiceAnalysis(const PitchTables& tables) : tables_(tables), tracker_(tables) {}
  // The voice of a waveform, up to its marks. Valid until the next call.
  const Voice& find(const float* waveform, std::int64_t samples);
  // And its phases for a change of pitch, and the grains of segments whose median is lower than so much.
  const Voice& operator()(const float* waveform, std::int64_t samples, const PitchChange& change,
                          double grains_below_hz);

 private:
  void find_segments(std::int64_t samples);
  void integrate_pitch(const VoicedSegment& segment);
  void demodulate(const VoicedSegment& segment);
  std::vector<double> measure_leads(const VoicedSegment& segment);
  void lock_phase(const VoicedSegment& segment);
  void place_marks(VoicedSegment& segment);
  void plan_target(const VoicedSegment& segment, const PitchChange& change);
  void place_grains(VoicedSegment& segment);

  const PitchTables& tables_;
  PitchTracker tracker_;
  Voice voice_;
  std::vector<float> knot_hz_, demodulated_, moments_;
};

}  // namespace singerprint
