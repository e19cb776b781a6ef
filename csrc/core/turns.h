// cos and sin of angles in turns, from IEEE operations and explicit fma alone: scalar code, the lanes of every
// instruction set and CUDA give the same bits. Float is float, or Lane with the functions of its own namespace.
// The polynomials are minimax fits (Remez exchange in double, then rounded to float).
#pragma once
#include "core/scalar.h"

namespace singerprint {

// cos(pi t) and sin(pi t), |t| <= 1/2, each within 2e-7 (fits: 2.5e-10 and 3.4e-9; the rest is rounding).
template <class Float>
SINGERPRINT_HOST_DEVICE inline Float cosine_of_half_turns(Float t) {
  const Float square = t * t;
  Float c = Float(-0x1.902bbep-6f);
  c = fma(c, square, Float(0x1.e130d0p-3f));
  c = fma(c, square, Float(-0x1.55d0c2p+0f));
  c = fma(c, square, Float(0x1.03c1e6p+2f));
  c = fma(c, square, Float(-0x1.3bd3ccp+2f));
  return fma(c, square, Float(1.0f));
}
template <class Float>
SINGERPRINT_HOST_DEVICE inline Float sine_of_half_turns(Float t) {
  const Float square = t * t;
  Float s = Float(0x1.3c4d66p-4f);
  s = fma(s, square, Float(-0x1.323324p-1f));
  s = fma(s, square, Float(0x1.466770p+1f));
  s = fma(s, square, Float(-0x1.4abbb6p+2f));
  s = fma(s, square, Float(0x1.921fb4p+1f));
  return s * t;
}

template <class Float>
struct Phasor {
  Float re, im;
};

template <class Float>
SINGERPRINT_HOST_DEVICE inline Phasor<Float> times(Phasor<Float> a, Phasor<Float> b) {
  return {multiply_add(a.re, b.re, -(a.im * b.im)), multiply_add(a.re, b.im, a.im * b.re)};
}

// exp(2 pi i turns), |turns| < 2^21; each part within 3e-7 beside the rounding of `turns`.
template <class Float>
SINGERPRINT_HOST_DEVICE inline Phasor<Float> phasor_of_turns(Float turns) {
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const Float half_turns = turns + turns;
  const Float shifted = half_turns + Float(kRound);
  const Float t = half_turns - (shifted - Float(kRound));
  // An odd number of half turns turns both signs.
  const auto sign = bits_of(shifted) << 31;
  return {float_of_bits(bits_of(cosine_of_half_turns(t)) ^ sign), float_of_bits(bits_of(sine_of_half_turns(t)) ^ sign)};
}

}  // namespace singerprint
