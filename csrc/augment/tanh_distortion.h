// tanh_distortion: squashes each waveform softly, by its own amount, and keeps its root mean square.
//   threshold = the part 1 - 0.99 amount[b] of the magnitudes |x[b, :]| lies below it     (dsp/magnitude_percentile.h)
//   z[n] = tanh(x[b, n] / 2 / (threshold + 1e-6))
//   y[b, n] = z[n] rms(x[b, :]) / rms(z), or z[n] where rms(x[b, :]) <= 1e-9;  amount 0: y = x, all bits
// The definition of audiomentations 0.43.1, `TanhDistortion`, but for the amount 0.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/dispatch.h"
#include "core/host_device.h"
#include "core/scalar.h"

namespace singerprint {

// Of the magnitudes, what lies below the threshold. On CUDA nobody has checked the amount.
SINGERPRINT_HOST_DEVICE inline double part_below_threshold(float amount) {
  return 1.0 - 0.99 * fmin(fmax(static_cast<double>(amount), 0.0), 1.0);
}

SINGERPRINT_HOST_DEVICE inline float gain_to_threshold(float threshold) { return 0.5f / (threshold + 1e-6f); }

SINGERPRINT_HOST_DEVICE inline float level_keeping_gain(double squares_before, double squares_after,
                                                        std::int64_t samples) {
  constexpr double kSilence = 1e-9;
  if (squares_before <= kSilence * kSilence * static_cast<double>(samples)) return 1.0f;
  return static_cast<float>(sqrt(squares_before / squares_after));
}

// tanh is 1 in float32 from here on.
inline constexpr float kTanhLimit = 9.02f;

SINGERPRINT_HOST_DEVICE inline float within_tanh_limit(float x) {  // NaN stays NaN
  return x > kTanhLimit ? kTanhLimit : x < -kTanhLimit ? -kTanhLimit : x;
}

// tanh as x P(x^2) / Q(x^2): a fit of least relative error on [0, kTanhLimit], 2.1e-8 (iterated least squares in
// double); all terms are positive, so that rounding adds a few ulps and no more.
template <class Float>
SINGERPRINT_HOST_DEVICE inline Float soft_tanh(Float x) {
  const Float limited = within_tanh_limit(x), square = limited * limited;
  Float p = Float(0x1.c9a24cp-27f);
  p = multiply_add(p, square, Float(0x1.5954d6p-16f));
  p = multiply_add(p, square, Float(0x1.c9f816p-9f));
  p = multiply_add(p, square, Float(0x1.120438p-3f));
  p = multiply_add(p, square, Float(1.0f));
  Float q = Float(0x1.a0b768p-21f);
  q = multiply_add(q, square, Float(0x1.584184p-12f));
  q = multiply_add(q, square, Float(0x1.a7df06p-6f));
  q = multiply_add(q, square, Float(0x1.de5766p-2f));
  q = multiply_add(q, square, Float(1.0f));
  return limited * p / q;
}

struct SumsOfSquares {
  double before, after;
};

// result[n] = tanh(gain waveform[n]), and the sums of the squares of both.
SINGERPRINT_DECLARE_LANES(SumsOfSquares, tanh_distortion_lanes,
                          (const float* waveform, float gain, std::int64_t samples, float* result))

// waveforms and result: (batch, samples) contiguous; amount: (batch,). Returns nullptr or the launch's error.
const char* launch_tanh_distortion(const float* waveforms, const float* amount, std::int64_t batch,
                                   std::int64_t samples, float* result, void* stream);

}  // namespace singerprint
