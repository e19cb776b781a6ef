// How the lanes of pixel_kernels read, multiply and write the values of a network: float, or Bfloat16 where the
// instruction set multiplies it. Products of two channels are then added to a lane by one instruction, which rounds
// each sum to float32 and takes numbers below 2^-126 for 0.
#pragma once
#include "core/bfloat16.h"
#include "core/lane.h"

namespace singerprint::SINGERPRINT_ISA {

SINGERPRINT_LANE_INLINE Lane loaded(const float* from) { return Lane::load(from); }
SINGERPRINT_LANE_INLINE void store(Lane lane, float* to) { lane.store(to); }

// What a product multiplies of each lane: one channel, or two of Bfloat16.
template <class Value>
struct Factor;

template <>
struct Factor<float> {
  Lane lane;

  static Factor load(const float* from) { return {Lane::load(from)}; }
  static Factor broadcast(const float* from) { return {Lane(*from)}; }
  void store(float* to) const { lane.store(to); }
  Factor gated(const float* gate) const { return {lane * Lane(*gate)}; }
};

SINGERPRINT_LANE_INLINE Lane multiply_add(Factor<float> a, Factor<float> b, Lane sum) {
  return multiply_add(a.lane, b.lane, sum);
}

#if defined(__AVX512BF16__)
SINGERPRINT_LANE_INLINE Lane loaded(const Bfloat16* from) {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  return Lane((FloatVector)_mm512_slli_epi32(wide, 16));
}
SINGERPRINT_LANE_INLINE __m256i rounded(Lane lane) { return (__m256i)_mm512_cvtneps_pbh((__m512)lane.v); }
SINGERPRINT_LANE_INLINE void store(Lane lane, Bfloat16* to) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), rounded(lane));
}

template <>
struct Factor<Bfloat16> {
  __m512i pairs;  // the first channel in the lower halves

  static Factor load(const Bfloat16* from) { return {_mm512_loadu_si512(from)}; }
  static Factor broadcast(const Bfloat16* from) {
    int pair;
    std::memcpy(&pair, from, sizeof(pair));
    return {_mm512_set1_epi32(pair)};
  }
  void store(Bfloat16* to) const { _mm512_storeu_si512(to, pairs); }
  Factor gated(const float* gate) const {
    const Lane first((FloatVector)_mm512_slli_epi32(pairs, 16));
    const Lane second((FloatVector)_mm512_and_si512(pairs, _mm512_set1_epi32(-65536)));
    const __m512i of_first = _mm512_cvtepu16_epi32(rounded(first * Lane(gate[0])));
    const __m512i of_second = _mm512_cvtepu16_epi32(rounded(second * Lane(gate[1])));
    return {_mm512_or_si512(of_first, _mm512_slli_epi32(of_second, 16))};
  }
};

SINGERPRINT_LANE_INLINE Lane multiply_add(Factor<Bfloat16> a, Factor<Bfloat16> b, Lane sum) {
  return Lane((FloatVector)_mm512_dpbf16_ps((__m512)sum.v, (__m512bh)a.pairs, (__m512bh)b.pairs));
}
#endif

}  // namespace singerprint::SINGERPRINT_ISA
