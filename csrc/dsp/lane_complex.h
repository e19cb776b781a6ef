// ComplexLane: kLanes complex numbers side by side, and the butterflies of the fast Fourier transform on them.
// For .lanes.cpp files alone, as core/lane.h.
//
// multiply_add and its relatives round once where the instruction set has FMA (AVX2, AVX-512: the same bits) and twice
// in the baseline, where an exact fma would cost a library call a number.
#pragma once
#include "core/lane.h"

namespace singerprint::SINGERPRINT_ISA {

struct ComplexLane {
  Lane re, im;
};

SINGERPRINT_LANE_INLINE ComplexLane operator+(ComplexLane a, ComplexLane b) { return {a.re + b.re, a.im + b.im}; }
SINGERPRINT_LANE_INLINE ComplexLane operator-(ComplexLane a, ComplexLane b) { return {a.re - b.re, a.im - b.im}; }
SINGERPRINT_LANE_INLINE ComplexLane times_minus_i(ComplexLane a) { return {a.im, -a.re}; }

// z * (twiddle[0] + i twiddle[1]), one twiddle for all lanes.
SINGERPRINT_LANE_INLINE ComplexLane multiply(ComplexLane z, const float* twiddle) {
  const Lane re(twiddle[0]), im(twiddle[1]);
  return {multiply_add(z.re, re, -(z.im * im)), multiply_add(z.im, re, z.re * im)};
}

inline constexpr float kSquareRootOfHalf = 0.70710678118654752f;

// z * exp(-i pi / 4) and z * exp(-3 i pi / 4)
SINGERPRINT_LANE_INLINE ComplexLane turn_eighth(ComplexLane z) {
  const Lane half(kSquareRootOfHalf);
  return {half * (z.re + z.im), half * (z.im - z.re)};
}
SINGERPRINT_LANE_INLINE ComplexLane turn_three_eighths(ComplexLane z) {
  const Lane half(kSquareRootOfHalf);
  return {half * (z.im - z.re), half * -(z.re + z.im)};
}

// y[k] = sum_i x[i] exp(-2 pi i k / 4), in place.
SINGERPRINT_LANE_INLINE void butterfly4(ComplexLane& x0, ComplexLane& x1, ComplexLane& x2, ComplexLane& x3) {
  const ComplexLane even = x0 + x2, even_turned = x0 - x2;
  const ComplexLane odd = x1 + x3, odd_turned = times_minus_i(x1 - x3);
  x0 = even + odd;
  x1 = even_turned + odd_turned;
  x2 = even - odd;
  x3 = even_turned - odd_turned;
}

template <int kRadix>
void butterfly(ComplexLane (&x)[kRadix]);

template <>
SINGERPRINT_LANE_INLINE void butterfly<4>(ComplexLane (&x)[4]) {
  butterfly4(x[0], x[1], x[2], x[3]);
}

// y[1], y[2] = x[0] - (x[1] + x[2]) / 2 -+ i sqrt(3/4) (x[1] - x[2])
template <>
SINGERPRINT_LANE_INLINE void butterfly<3>(ComplexLane (&x)[3]) {
  const Lane half(0.5f), height(0.86602540378443865f);
  const ComplexLane sum = x[1] + x[2], turned = times_minus_i(x[1] - x[2]);
  const ComplexLane middle{x[0].re - half * sum.re, x[0].im - half * sum.im};
  x[0] = x[0] + sum;
  x[1] = {multiply_add(height, turned.re, middle.re), multiply_add(height, turned.im, middle.im)};
  x[2] = {multiply_add(-height, turned.re, middle.re), multiply_add(-height, turned.im, middle.im)};
}

// Even and odd samples by fours; y[k], y[k + 4] = even[k] +- exp(-2 pi i k / 8) odd[k].
template <>
SINGERPRINT_LANE_INLINE void butterfly<8>(ComplexLane (&x)[8]) {
  butterfly4(x[0], x[2], x[4], x[6]);
  butterfly4(x[1], x[3], x[5], x[7]);
  const ComplexLane even1 = x[2], even2 = x[4], even3 = x[6];
  const ComplexLane odd0 = x[1], odd1 = turn_eighth(x[3]), odd2 = times_minus_i(x[5]), odd3 = turn_three_eighths(x[7]);
  x[4] = x[0] - odd0;
  x[0] = x[0] + odd0;
  x[1] = even1 + odd1;
  x[5] = even1 - odd1;
  x[2] = even2 + odd2;
  x[6] = even2 - odd2;
  x[3] = even3 + odd3;
  x[7] = even3 - odd3;
}

// Four by four: columns, twiddles exp(-2 pi i c k / 16), rows. The result is left transposed: y[c + 4 k] in x[4 c + k].
template <>
SINGERPRINT_LANE_INLINE void butterfly<16>(ComplexLane (&x)[16]) {
  constexpr float kCos = 0.92387953251128674f, kSin = 0.38268343236508977f;  // of pi / 8
  constexpr float kTurn1[] = {kCos, -kSin}, kTurn3[] = {kSin, -kCos}, kTurn9[] = {-kCos, kSin};
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) butterfly4(x[c], x[c + 4], x[c + 8], x[c + 12]);
  x[5] = multiply(x[5], kTurn1);
  x[6] = turn_eighth(x[6]);
  x[7] = multiply(x[7], kTurn3);
  x[9] = turn_eighth(x[9]);
  x[10] = times_minus_i(x[10]);
  x[11] = turn_three_eighths(x[11]);
  x[13] = multiply(x[13], kTurn3);
  x[14] = turn_three_eighths(x[14]);
  x[15] = multiply(x[15], kTurn9);
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) butterfly4(x[4 * k], x[4 * k + 1], x[4 * k + 2], x[4 * k + 3]);
}

}  // namespace singerprint::SINGERPRINT_ISA
