// cos and sin of angles in turns, from IEEE operations and explicit fma alone: scalar code, the lanes of every
// instruction set and CUDA give the same bits. Float is float, or Lane with the functions of its own namespace.
// The polynomials are minimax fits (Remez exchange in double, then rounded to float).
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/host_device.h"

namespace singerprint {

// The scalar forms of what is asked of a number type; lane.h has the same for lanes.
SINGERPRINT_HOST_DEVICE inline float fma(float a, float b, float c) {
#ifdef __CUDA_ARCH__
  return fmaf(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}
void fma(double, double, double) = delete;  // it would be rounded to float: doubles ask for ::fma
SINGERPRINT_HOST_DEVICE inline std::uint32_t bits_of(float a) {
  std::uint32_t bits;
  memcpy(&bits, &a, sizeof(bits));
  return bits;
}
SINGERPRINT_HOST_DEVICE inline float float_of_bits(std::uint32_t bits) {
  float a;
  memcpy(&a, &bits, sizeof(a));
  return a;
}

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
