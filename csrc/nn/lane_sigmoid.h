// sigmoid(x) = 1 / (1 + exp(-x)) and silu(x) = x / (1 + exp(-x)) for the lanes kernels: up to |x| = 8 with a relative
// error below 6e-7, beyond it grows with x (the product x log2(e) is rounded).
//   exp(-x) = 2^n * 2^f with n = round(-x log2(e)), |f| <= 1/2, and 2^f by the polynomial of the 5th degree that errs
//   least (1e-7, and not at 0)
// Below x = -87 both are as at -87. NaN stays NaN. Cheaper than dsp/lane_exp2.h, which errs less: of a network's
// activations some 1e-7 do not matter, and a tenth of its time is spent in here. The division is cheaper than a
// reciprocal and a Newton step: it leaves the multipliers to the polynomial.
#pragma once
#include "core/lane.h"

namespace singerprint::SINGERPRINT_ISA {

// 1 + exp(-x)
SINGERPRINT_LANE_INLINE Lane one_plus_exp_of_minus(Lane x) {
  const Lane t = x * -1.44269504f;
#if defined(__AVX512F__)
  constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  const __m512 below = _mm512_maskz_min_ps(-1, _mm512_set1_ps(126.0f), (__m512)t.v);
  const __m512 n = _mm512_maskz_roundscale_ps(-1, below, kNearest);
  const Lane f((FloatVector)_mm512_maskz_reduce_ps(-1, below, kNearest));
#else
  constexpr float kRound = 12582912.0f + 127.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
#if defined(__AVX2__)
  const __m256 below = _mm256_min_ps(_mm256_set1_ps(126.0f), (__m256)t.v);
  const Lane bounded((FloatVector)_mm256_max_ps(_mm256_set1_ps(-126.0f), below));
#else
  const Lane below(t.v > FloatVector{} + 126.0f ? FloatVector{} + 126.0f : t.v);
  const Lane bounded(below.v < FloatVector{} - 126.0f ? FloatVector{} - 126.0f : below.v);
#endif
  const Lane shifted = bounded + kRound;
  const Lane f = bounded - (shifted - kRound);
#endif
  Lane power = 1.32647273e-3f;
  power = multiply_add(power, f, 9.67151299e-3f);
  power = multiply_add(power, f, 5.55073358e-2f);
  power = multiply_add(power, f, 2.40222424e-1f);
  power = multiply_add(power, f, 6.93147004e-1f);
  power = multiply_add(power, f, 1.0f);
#if defined(__AVX512F__)
  return Lane((FloatVector)_mm512_maskz_scalef_ps(-1, (__m512)power.v, n)) + 1.0f;
#else
  return multiply_add(power, Lane((FloatVector)((IntVector)shifted.v << 23)), 1.0f);
#endif
}

#if defined(__AVX512BF16__)
// silu(x) for results that are rounded to the 8 bits of Bfloat16: with a relative error below 2e-4, a twentieth of
// that rounding, at half the cost. The polynomial of 2^f is of the 3rd degree (7.5e-5), the reciprocal an estimate
// (6e-5). Below x = -88 it is -0.
SINGERPRINT_LANE_INLINE Lane rough_silu(Lane x) {
  const Lane t = x * -1.44269504f;
  const __m512 n = _mm512_maskz_roundscale_ps(-1, (__m512)t.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const Lane f = t - Lane((FloatVector)n);
  Lane power = multiply_add(Lane(5.517167e-2f), f, 2.4261113e-1f);
  power = multiply_add(power, f, 6.9326099e-1f);
  power = multiply_add(power, f, 9.9992807e-1f);
  const Lane denominator = Lane((FloatVector)_mm512_maskz_scalef_ps(-1, (__m512)power.v, n)) + 1.0f;
  return x * Lane((FloatVector)_mm512_maskz_rcp14_ps(-1, (__m512)denominator.v));
}
#endif

SINGERPRINT_LANE_INLINE Lane sigmoid(Lane x) { return 1.0f / one_plus_exp_of_minus(x); }
SINGERPRINT_LANE_INLINE Lane silu(Lane x) { return x / one_plus_exp_of_minus(x); }

}  // namespace singerprint::SINGERPRINT_ISA
