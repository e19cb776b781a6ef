// Harmonic remap: the harmonics of a voice, moved under its own spectral envelope.
//   a_k(m) = 2 sum_n w(n - n_m) x[n] exp(-2 pi i k s(n)) / sum w          k-th harmonic at knot m, w = Hann
//   E(u)   = exp(shape-preserving cubic through log |a_k| at u = k)        constant below 1 and above the last
//   b_k(m) = E(k f' / (f formant_ratio)) a_j / |a_j|,  j = min(k, last)    at the wanted frequency k f'
//   y[n]   = x[n] + fade(n) Re sum_k (b_k(n) exp(2 pi i k q(n)) - a_k(n) exp(2 pi i k s(n)))
// a and b between knots by the halves of w, which leave no corner. What is no harmonic stays as it was. At ratio 1 the
// sums cancel. The sums over lines go through dsp/phase_grid; CUDA, which has the multipliers, adds them up directly.
// Fritsch and Carlson, "Monotone piecewise cubic interpolation", SIAM J. Numer. Anal. 17 (1980), 238-246.
#pragma once
#include <cstdint>
#include <vector>

#include "core/dispatch.h"
#include "dsp/harmonic_lines.h"
#include "dsp/phase_grid.h"
#include "dsp/voice.h"

namespace singerprint {

// log2 |a|, cos and sin of its angle of `harmonics` numbers (re, im apart); padded to whole lanes.
SINGERPRINT_DECLARE_LANES(void, split_harmonics_lanes,
                          (const float* re, const float* im, std::int32_t harmonics, float* log2_level, float* unit_re,
                           float* unit_im))
// slope[k] = envelope_slope(log2_level, ., k), k = 1 .. harmonics - 2: all but the ends; both go on for whole lanes
// more.
SINGERPRINT_DECLARE_LANES(void, inner_slopes_lanes, (const float* log2_level, std::int32_t harmonics, float* slope))
// re, im (harmonics) = 2^log2_level (unit_re, unit_im)
SINGERPRINT_DECLARE_LANES(void, join_harmonics_lanes,
                          (const float* log2_level, const float* unit_re, const float* unit_im, std::int32_t harmonics,
                           float* re, float* im))
class HarmonicRemap {
 public:
  explicit HarmonicRemap(double sample_rate_hz, std::int64_t spacing);
  // Renders a segment into `result`, which holds the waveform.
  void operator()(const float* waveform, const Voice& voice, const VoicedSegment& segment, double formant_ratio,
                  float* result);

 private:
  struct Lines {
    std::int32_t count = 0;
    std::vector<float> re, im;  // (count), in whole lanes
  };
  struct Knot {
    Lines own, wanted;
  };
  void analyse(const float* waveform, const Voice& voice, const VoicedSegment& segment);
  void remap(Knot& knot, double ratio, double formant_ratio);
  void sum_lines(const Lines& first, const Lines& second, const IntervalPhase& phase, float* sum);
  const PhaseGrid& grid_of_lines(std::int32_t lines);

  double sample_rate_hz_;
  std::int64_t spacing_;
  std::vector<float> rising_window_;
  std::vector<Knot> knots_;
  std::vector<std::shared_ptr<const PhaseGrid>> grids_;  // by their lines
  std::vector<float> level_, slope_, unit_re_, unit_im_, wanted_level_, wanted_unit_re_, wanted_unit_im_;
  std::vector<float> interval_, work_, weights_, sums_, table_, source_sum_, target_sum_;
};

}  // namespace singerprint
