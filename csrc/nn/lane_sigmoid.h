// sigmoid(x) = 1 / (1 + exp(-x)) and silu(x) = x * sigmoid(x) for the lanes kernels, relative error below 5e-7 of each.
//   exp(-x) = 2^n * 2^f with n = round(-x log2(e)), |f| <= 1/2, and 2^f by the polynomial of the 5th degree that errs
//   least (1e-7, and not at 0)
// Beyond |x| = 87 both are as at 87. NaN stays NaN. Cheaper than dsp/lane_exp2.h, which is defined further down and
// errs less: of a network's outputs some 1e-7 do not matter, and its time is a tenth in here.
#pragma once
#include "core/lane.h"

namespace singerprint::SINGERPRINT_ISA {

// 1 / a for a in [1, 2^126].
SINGERPRINT_LANE_INLINE Lane reciprocal(Lane a) {
#if defined(__AVX512F__)
  const Lane guess((FloatVector)_mm512_maskz_rcp14_ps(-1, (__m512)a.v));
#elif defined(__AVX2__)
  const Lane guess((FloatVector)_mm256_rcp_ps((__m256)a.v));
#else
  return 1.0f / a;
#endif
#if defined(__AVX2__)
  return guess * fma(-a, guess, 2.0f);  // a Newton step squares the guess's error, 2^-11
#endif
}

SINGERPRINT_LANE_INLINE Lane sigmoid(Lane x) {
  constexpr float kRound = 12582912.0f + 127.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  Lane t = x * -1.44269504f;
  t = Lane(t.v > FloatVector{} + 125.5f ? FloatVector{} + 125.5f : t.v);
  t = Lane(t.v < FloatVector{} - 125.5f ? FloatVector{} - 125.5f : t.v);
  const Lane shifted = t + kRound;
  const Lane f = t - (shifted - kRound);
  Lane power = 1.32647273e-3f;
  power = multiply_add(power, f, 9.67151299e-3f);
  power = multiply_add(power, f, 5.55073358e-2f);
  power = multiply_add(power, f, 2.40222424e-1f);
  power = multiply_add(power, f, 6.93147004e-1f);
  power = multiply_add(power, f, 1.0f);
  const FloatVector scale = (FloatVector)((IntVector)shifted.v << 23);
  return reciprocal(multiply_add(power, Lane(scale), 1.0f));
}

SINGERPRINT_LANE_INLINE Lane silu(Lane x) { return x * sigmoid(x); }

}  // namespace singerprint::SINGERPRINT_ISA
