// The fundamental frequency of singing, frame by frame.
//   y        = x, low-passed and taken every `decimation`-th sample                       (about 11 kHz)
//   a[l]     = sum_n w[n] d[n] w[n + l] d[n + l],  d = frame of y less its mean, w = Hann of 3 periods of min_hz
//   r[l]     = a[l] / (a[0] r_w[l]),  r_w = the window's own autocorrelation
//   strength = r[peak] - 0.01 log2(max_hz / f)       of the peaks above 0.3; r > 1 counts as 1 / r
//   unvoiced = 0.45 + max(0, 2 - (peak / loudest peak of the clip) / (0.03 / 1.45))
//   path     = maximal sum of strengths less 0.35 |log2(f / f')| and 0.14 a change of voicing (both x 0.01 s / hop)
// Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled
// sound", Proc. Institute of Phonetic Sciences Amsterdam 17 (1993), 97-110; the constants are those of Praat's default.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "core/dispatch.h"
#include "core/host_device.h"
#include "dsp/aligned_floats.h"
#include "dsp/power_spectrum.h"

namespace singerprint {

inline constexpr double kHighestTrackedHz = 3000.0;  // the decimated rate carries two harmonics of it
inline constexpr float kLowestPeak = 0.3f;           // of r
inline constexpr int kPitchCandidates = 10;          // a frame, the unvoiced one among them

struct PitchCandidate {
  float hz, log2_hz, strength;  // hz 0: unvoiced
};

// What is the same for all clips of a sample rate.
struct PitchPlan {
  double sample_rate_hz, decimated_rate_hz;
  float min_hz, max_hz;
  std::int32_t decimation;
  std::int64_t hop_length;
  std::int32_t window_length, lags, shortest_lag;  // in decimated samples; lags 0 .. lags - 1 are computed
  float transition_factor;                         // 0.01 s / hop
};

struct PitchTables {
  PitchPlan plan;
  std::vector<float> low_pass;                    // (2 kLowPassHalf decimation + 1)
  std::vector<float> window;                      // (window_length)
  std::vector<float> inverse_window_ac;           // (lags): 1 / r_w
  std::vector<float> peak_weights;                // (kPeakTaps, kPeakRow): band-limited interpolation between lags
  std::shared_ptr<const PowerSpectrum> spectrum;  // of the window, and of zeros for the lags
};

inline constexpr int kLowPassHalf = 8;   // taps of the low pass on one side, a decimated sample
inline constexpr int kPeakHalfTaps = 8;  // lags on one side
inline constexpr int kPeakTaps = 2 * kPeakHalfTaps + 1;
inline constexpr int kPeakSteps = 8;  // of the search between two lags
inline constexpr int kPeakReach = 5;  // steps on each side of a lag
inline constexpr int kPeakPhases = 2 * kPeakReach + 1;
inline constexpr int kPeakRow = 16;  // the phases and zeros: lanes of every width
static_assert(kPeakPhases <= kPeakRow);

// r at the steps around a lag where it is a local maximum.
struct PitchPeak {
  std::int32_t lag, lane;
  float heights[kPeakRow];
};

// min_hz and max_hz positive, max_hz at most half the decimated rate.
PitchTables pitch_tables(double sample_rate_hz, std::int64_t hop_length, double min_hz, double max_hz);

// The tables where a kernel reads them: `flat` is what `flattened` gives, in the memory of the device.
struct PitchTableView {
  PitchPlan plan;
  const float *low_pass, *window, *inverse_window_ac, *peak_weights;
};
std::vector<float> flattened(const PitchTables& tables);
PitchTableView pitch_table_view(const PitchPlan& plan, const float* flat);

// y (count): every decimation-th sample of the low-passed waveform. work: decimate_work_floats.
SINGERPRINT_DECLARE_LANES(std::int64_t, decimate_work_floats, (std::int32_t decimation))
SINGERPRINT_DECLARE_LANES(void, decimate_lanes,
                          (const float* waveform, std::int64_t samples, const float* low_pass, std::int32_t decimation,
                           std::int64_t count, float* work, float* result))
// centred (length): a frame less its mean. Returns the largest |d| of the middle third.
SINGERPRINT_DECLARE_LANES(float, centre_frame_lanes, (const float* frame, std::int32_t length, float* centred))
// The peaks of r from shortest_lag to lags - 1 - kPeakHalfTaps, by lag, then lane: their number. ac: (lags, kLanes).
// work: (kPeakHalfTaps + lags, kLanes). peaks: lags / 2 of every lane have a place.
SINGERPRINT_DECLARE_LANES(std::int32_t, pitch_peaks_lanes,
                          (const float* ac, const float* inverse_window_ac, const float* peak_weights,
                           std::int32_t shortest_lag, std::int32_t lags, float* work, PitchPeak* peaks))

// Samples of y of a waveform, and what is to stand on both sides of it in zeros for frames that reach over its ends.
inline std::int64_t decimated_samples(const PitchPlan& plan, std::int64_t samples) {
  return samples == 0 ? 0 : (samples - 1) / plan.decimation + 1;
}
inline std::int64_t pitch_frames(const PitchPlan& plan, std::int64_t samples) { return samples / plan.hop_length + 1; }
// The first of the window_length numbers of y that make a frame; y is 0 beyond its ends.
SINGERPRINT_HOST_DEVICE inline std::int64_t first_of_frame(const PitchPlan& plan, std::int64_t frame,
                                                           std::int64_t count) {
  const std::int64_t centre = (frame * plan.hop_length + plan.decimation / 2) / plan.decimation;
  return (centre < count ? centre : count) - plan.window_length / 2;
}

// hz (frames): the fundamental frequency, 0 where unvoiced. frame j is centred at sample hop_length j.
class PitchTracker {
 public:
  explicit PitchTracker(const PitchTables& tables);
  void operator()(const float* waveform, std::int64_t samples, float* hz);
  // y of the last call, (decimated_samples): element i is sample decimation * i.
  const float* decimated() const { return padded_.data() + tables_.plan.window_length; }

 private:
  void find_candidates(std::int64_t frames);
  void find_candidates_of_group(std::int64_t first, std::int64_t frames);
  const PitchTables& tables_;
  PowerSpectrum::Worker spectrum_;
  AlignedFloats decimate_work_, centred_, peak_work_;
  std::vector<float*> centred_frames_;
  std::vector<PitchPeak> found_;
  std::vector<float> padded_, peaks_;
  std::vector<PitchCandidate> candidates_;
};

}  // namespace singerprint
