// log: natural logarithm of every lane, for numbers >= 0. For .lanes.cpp files alone, as core/lane.h.
//   x = 2^e (1 + f), sqrt(1/2) <= 1 + f < sqrt(2);  log x = e ln 2 + f - f^2 / 2 + f^3 p(f)
// p: degree 7, our minimax fit of the relative error of log(1 + f), 6.4e-9 with these float32 coefficients. Result
// within 1 ulp (tested over the whole range); log 0 = -inf, log inf = inf, log NaN = NaN.
#pragma once
#include "dsp/lane_complex.h"

namespace singerprint::SINGERPRINT_ISA {

SINGERPRINT_LANE_INLINE Lane log(Lane x) {
  constexpr float kSmallestNormal = 1.17549435e-38f, kTwoTo23 = 8388608.0f, kInfinity = __builtin_inff();
  // ln 2 in two parts: e * kLn2High is exact (9 bits times at most 8).
  constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;
  constexpr std::int32_t kSquareRootOfHalfBits = 0x3f3504f3;
  const IntVector subnormal = x.v < FloatVector{} + kSmallestNormal;
  const FloatVector normal = subnormal ? x.v * kTwoTo23 : x.v;

  const IntVector bits = (IntVector)normal - kSquareRootOfHalfBits;
  const IntVector exponent = (bits >> 23) + (subnormal & -23);
  const Lane f((FloatVector)((bits & 0x007fffff) + kSquareRootOfHalfBits) - 1.0f);
  const Lane e(__builtin_convertvector(exponent, FloatVector));

  Lane p(-0.0763449743f);
  p = multiply_add(p, f, 0.127615824f);
  p = multiply_add(p, f, -0.13160184f);
  p = multiply_add(p, f, 0.142017573f);
  p = multiply_add(p, f, -0.166233569f);
  p = multiply_add(p, f, 0.200012267f);
  p = multiply_add(p, f, -0.250008196f);
  p = multiply_add(p, f, 0.333333313f);
  const Lane square = f * f;
  Lane result = multiply_add(multiply_add(f, p, -0.5f), square, e * kLn2Low);
  result = multiply_add(e, kLn2High, f + result);

  const FloatVector at_zero = x.v == 0.0f ? FloatVector{} - kInfinity : result.v;
  // Not below infinity: infinity itself and NaN.
  return Lane(x.v < kInfinity ? at_zero : x.v);
}

}  // namespace singerprint::SINGERPRINT_ISA
