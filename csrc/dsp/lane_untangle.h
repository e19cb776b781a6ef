// untangle: the bins of real signals from transforms of half their size. For .lanes.cpp files alone.
#pragma once
#include "dsp/lane_complex.h"

namespace singerprint::SINGERPRINT_ISA {

SINGERPRINT_LANE_INLINE void store_power(Lane re, Lane im, float* to) { multiply_add(re, re, im * im).store(to); }

// z[k] and z[half - k] of the packed signal give the real signal's bins k and half - k:
//   even = z[k] + conj z[half - k], odd = -i (z[k] - conj z[half - k])   (the halves are in the window)
//   X[k] = even + exp(-2 pi i k / n_fft) odd, conj X[half - k] = even - exp(-2 pi i k / n_fft) odd
SINGERPRINT_LANE_INLINE void untangle(ComplexLane z, ComplexLane mirror, const float* twiddle, float* power,
                                      float* mirror_power) {
  const ComplexLane even{z.re + mirror.re, z.im - mirror.im};
  const ComplexLane odd = multiply({z.im + mirror.im, mirror.re - z.re}, twiddle);
  const ComplexLane sum = even + odd, difference = even - odd;
  store_power(sum.re, sum.im, power);
  store_power(difference.re, difference.im, mirror_power);
}

}  // namespace singerprint::SINGERPRINT_ISA
