// The filter of the resampler: a sinc under a Kaiser window, in samples of the slower of the two rates.
//   g(t) = cutoff sinc(cutoff t) I0(beta sqrt(1 - (t / half_width)^2)) / I0(beta),  |t| < half_width, else 0
//   y[m] = low / from_hz sum_n x[n] g(low (m / to_hz - n / from_hz)),  low = min(from_hz, to_hz)
// Flat to 0.95 of low / 2 and 140 dB down from low / 2 on: J. F. Kaiser, R. W. Schafer, "On the use of the I0-sinh
// window for spectrum analysis", 1980, gives beta of the attenuation, and the width of the edge.
//
// The sum over m of y's gradient has the same form with the rates exchanged: the transpose is a resampling too.
#pragma once
#include <cstdint>
#include <vector>

namespace singerprint {

inline constexpr double kResampleAttenuationDb = 140.0;
inline constexpr double kResamplePass = 0.95, kResampleStop = 1.0;  // of half the slower rate
inline constexpr double kResampleCutoff = 0.5 * (kResamplePass + kResampleStop);
inline constexpr double kResampleBeta = 0.1102 * (kResampleAttenuationDb - 8.7);
// (attenuation - 7.95) / (14.36 x width of the edge in cycles a sample) = 367.8 taps by the formula; a hundredth more
// keeps the attenuation at the very edge.
inline constexpr double kResampleHalfWidth = 186.0;

// g(t).
double resample_kernel(double t);

// from_hz : to_hz in lowest terms: output m lies at m step_in / step_out of the input's samples.
struct ResampleRatio {
  std::int64_t step_in, step_out;

  bool operator<(const ResampleRatio& other) const {
    return step_in != other.step_in ? step_in < other.step_in : step_out < other.step_out;
  }
  template <class Integer>  // that of PyTorch's symbolic sizes too
  Integer outputs(const Integer& samples) const {
    return (samples * step_out + (step_in - 1)) / step_in;
  }
  std::int64_t low() const { return step_in < step_out ? step_in : step_out; }
  // The filter's half width in samples of the input, rounded up: further an output does not reach.
  std::int64_t reach() const;
};
ResampleRatio resample_ratio(std::int64_t from_hz, std::int64_t to_hz);

// The taps of outputs, row by row. `exact`: one row for each of the step_out phases, that of output m is m % step_out.
// Otherwise (many phases) rows at phases / kernel offsets apart, between which four rows are interpolated.
struct ResampleTaps {
  bool exact;
  std::int64_t taps;         // of a row: 2 reach
  std::int64_t phases;       // step_out, or of the grid
  std::vector<double> rows;  // (phases or phases + 3, taps)
};
ResampleTaps resample_taps(const ResampleRatio& ratio, double gain);

}  // namespace singerprint
