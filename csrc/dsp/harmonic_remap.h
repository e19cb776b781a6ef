// Harmonic remap: the harmonics of a voice, moved under its own spectral envelope.
//   a_k(m) = 2 sum_n w(n - n_m) x[n] exp(-2 pi i k s(n)) / sum w          k-th harmonic at knot m, w = Hann
//   E(u)   = exp(shape-preserving cubic through log |a_k| at u = k)        constant below 1 and above the last
//   b_k(m) = E(k f' / (f formant_ratio)) a_j / |a_j|,  j = min(k, last)    at the wanted frequency k f'
//   y[n]   = x[n] + fade(n) Re sum_k (b_k(n) exp(2 pi i k q(n)) - a_k(n) exp(2 pi i k s(n)))
// a and b between knots by the halves of w, which leave no corner. What is no harmonic stays as it was. At ratio 1 the
// sums cancel. Fritsch and Carlson, "Monotone piecewise cubic interpolation", SIAM J. Numer. Anal. 17 (1980), 238-246.
#pragma once
#include <cstdint>
#include <vector>

#include "core/dispatch.h"
#include "dsp/harmonic_lines.h"
#include "dsp/voice.h"

namespace singerprint {

// Adds both knots' share of an interval: re, im (harmonics) each, `falling` to its first knot, `rising` to its second.
// harmonics: a multiple of 16. work: 3 (spacing + 32).
SINGERPRINT_DECLARE_LANES(void, analyse_harmonics_lanes,
                          (const float* waveform, std::int64_t spacing, const float* rising_window,
                           const IntervalPhase& phase, std::int32_t harmonics, float* work, float* falling,
                           float* rising))
// log2 |a|, cos and sin of its angle of `harmonics` numbers (re, im apart); padded to whole lanes.
SINGERPRINT_DECLARE_LANES(void, split_harmonics_lanes,
                          (const float* re, const float* im, std::int32_t harmonics, float* log2_level, float* unit_re,
                           float* unit_im))
// re, im (harmonics) = 2^log2_level (unit_re, unit_im)
SINGERPRINT_DECLARE_LANES(void, join_harmonics_lanes,
                          (const float* log2_level, const float* unit_re, const float* unit_im, std::int32_t harmonics,
                           float* re, float* im))
// sum[n] = Re sum_k ((1 - w) c0_k + w c1_k) exp(2 pi i k phase(n)), w = rising_window[n], n = 0 .. spacing - 1.
// rising_window and sum have room for 32 numbers more.
// coefficients (harmonics, 4): c0.re, c0.im, c1.re, c1.im.
SINGERPRINT_DECLARE_LANES(void, sum_harmonics_lanes,
                          (const float* coefficients, std::int32_t harmonics, std::int64_t spacing,
                           const float* rising_window, const IntervalPhase& phase, float* sum))

class HarmonicRemap {
 public:
  explicit HarmonicRemap(double sample_rate_hz, std::int64_t spacing);
  // Renders a segment into `result`, which holds the waveform.
  void operator()(const float* waveform, const Voice& voice, const VoicedSegment& segment, double formant_ratio,
                  float* result);

 private:
  struct Knot {  // each (harmonics): the lines of the voice and the wanted ones
    std::int32_t harmonics = 0, wanted = 0;
    std::vector<float> re, im, wanted_re, wanted_im;
  };
  void analyse(const float* waveform, const Voice& voice, const VoicedSegment& segment);
  void remap(Knot& knot, double ratio, double formant_ratio);
  void interleave(std::int32_t harmonics, const std::vector<float>& re0, const std::vector<float>& im0,
                  const std::vector<float>& re1, const std::vector<float>& im1);

  double sample_rate_hz_;
  std::int64_t spacing_;
  std::vector<float> rising_window_;
  std::vector<Knot> knots_;
  std::vector<float> falling_, rising_, level_, slope_, unit_re_, unit_im_, coefficients_;
  std::vector<float> wanted_level_, wanted_unit_re_, wanted_unit_im_;
  std::vector<float> work_, source_sum_, target_sum_;
};

}  // namespace singerprint
