// cos and sin of angles in turns, from IEEE operations and explicit fma alone: scalar code, every lane and CUDA give
// the same bits. Float and its fma, and round_to_integer, come from the includer: float here, Lane in core/lane.h.
#pragma once
#include "core/random.h"

namespace singerprint {

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
