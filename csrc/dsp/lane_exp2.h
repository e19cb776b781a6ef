// exp2(lane) = 2^lane for the lanes kernels: relative error below 2e-7, exactly 0 below 2^-126, NaN stays NaN.
//   2^x = 2^n * 2^f with n = round(x), |f| <= 1/2, and 2^f by its Taylor series to the 7th degree (error 7e-9).
// Defined up to x = 127, which is more than a softmax needs: its exponents are not positive.
#pragma once
#include "core/lane.h"

namespace singerprint::SINGERPRINT_ISA {

SINGERPRINT_LANE_INLINE Lane exp2(Lane x) {
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const Lane shifted = x + kRound;
  const Lane f = x - (shifted - kRound);
  // ln(2)^k / k!
  Lane power = 1.5252734e-5f;
  power = multiply_add(power, f, 1.5403530e-4f);
  power = multiply_add(power, f, 1.3333558e-3f);
  power = multiply_add(power, f, 9.6181291e-3f);
  power = multiply_add(power, f, 5.5504109e-2f);
  power = multiply_add(power, f, 2.4022651e-1f);
  power = multiply_add(power, f, 6.9314718e-1f);
  power = multiply_add(power, f, 1.0f);
  // A product, not a sum of bits: it keeps a NaN, whatever its payload.
  const FloatVector scale = (FloatVector)(((IntVector)shifted.v + 127) << 23);
  return Lane(x.v < FloatVector{} - 126.0f ? FloatVector{} : power.v * scale);
}

}  // namespace singerprint::SINGERPRINT_ISA
