// Random numbers that are addressed, not generated: Philox4x32-10 of (seed, clip id, epoch, stream, element).
//
//   key     = low and high 32 bits of the seed
//   counter = (element / 4, clip id, epoch, stream | per_sample << 31), one block = elements 4c .. 4c + 3
//   uniform = (word >> 8) * 2^-24                                            in [0, 1), exact
//   u       = float(word0) * 2^-32 + 2^-33, one fma                          in [2^-33, 1], never 0
//   normal  = sqrt(-2 ln u) * (cos(2 pi v), sin(2 pi v)), v = word1 * 2^-32  Box-Muller: |normal| <= 6.77
//
// Philox: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11, section 3.3.
//
// No library logarithm, sine or cosine is called, every fma is explicit, and all else is an IEEE operation: the scalar
// code below, the lanes of every instruction set and CUDA give the same bits. The polynomials are minimax fits (Remez
// exchange in double, then rounded to float); a normal differs from the formula above in double precision by at most
// 3e-7 times its radius, that is 2.5 ulps of the radius.
#pragma once
#include <cstdint>

#include "core/turns.h"

namespace singerprint {

struct PhiloxKey {
  std::uint32_t low, high;
};

struct PhiloxBlock {
  std::uint32_t word[4];
};

inline constexpr std::uint32_t kPhiloxMultiplier0 = 0xD2511F53u;
inline constexpr std::uint32_t kPhiloxMultiplier1 = 0xCD9E8D57u;
inline constexpr std::uint32_t kPhiloxWeyl0 = 0x9E3779B9u;  // the golden ratio
inline constexpr std::uint32_t kPhiloxWeyl1 = 0xBB67AE85u;  // sqrt(3) - 1
inline constexpr int kPhiloxRounds = 10;

SINGERPRINT_HOST_DEVICE inline PhiloxBlock philox(PhiloxBlock counter, PhiloxKey key) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const std::uint64_t product0 = std::uint64_t{kPhiloxMultiplier0} * counter.word[0];
    const std::uint64_t product1 = std::uint64_t{kPhiloxMultiplier1} * counter.word[2];
    counter = {{static_cast<std::uint32_t>(product1 >> 32) ^ counter.word[1] ^ key.low,
                static_cast<std::uint32_t>(product1),
                static_cast<std::uint32_t>(product0 >> 32) ^ counter.word[3] ^ key.high,
                static_cast<std::uint32_t>(product0)}};
    key.low += kPhiloxWeyl0;
    key.high += kPhiloxWeyl1;
  }
  return counter;
}

// All of a draw's address but the element.
struct DrawStream {
  PhiloxKey key;
  std::uint32_t clip_id, epoch, stream;
};

// Draws of parameters and draws for every sample of the same stream are different numbers.
enum class DrawKind : std::uint32_t { kParameters = 0, kPerSample = 1 };

SINGERPRINT_HOST_DEVICE inline DrawStream draw_stream(std::int64_t seed, std::int64_t clip_id, std::int64_t epoch,
                                                      std::int64_t stream, DrawKind kind) {
  const std::uint64_t bits = static_cast<std::uint64_t>(seed);
  return {{static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32)},
          static_cast<std::uint32_t>(clip_id),
          static_cast<std::uint32_t>(epoch),
          static_cast<std::uint32_t>(stream) | static_cast<std::uint32_t>(kind) << 31};
}

// The block that holds elements 4 * index .. 4 * index + 3.
SINGERPRINT_HOST_DEVICE inline PhiloxBlock draw_block(const DrawStream& draws, std::uint32_t index) {
  return philox({{index, draws.clip_id, draws.epoch, draws.stream}}, draws.key);
}

SINGERPRINT_HOST_DEVICE inline float uniform_of(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

// The scalar forms of what box_muller asks of a number type; random_lanes.h has the same for lanes.
SINGERPRINT_HOST_DEVICE inline float square_root(float a) {
#ifdef __CUDA_ARCH__
  return __fsqrt_rn(a);
#else
  return __builtin_sqrtf(a);
#endif
}
SINGERPRINT_HOST_DEVICE inline float unsigned_to_float(std::uint32_t a) { return static_cast<float>(a); }
SINGERPRINT_HOST_DEVICE inline float signed_to_float(std::uint32_t a) {
  return static_cast<float>(static_cast<std::int32_t>(a));
}
SINGERPRINT_HOST_DEVICE inline std::uint32_t shift_right_signed(std::uint32_t a, int count) {
  return static_cast<std::uint32_t>(static_cast<std::int32_t>(a) >> count);
}

// -2 ln(u) of a normal float u in (0, 1]. u = 2^exponent * (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)):
//   -2 ln u = -2 ln(2) * exponent + f * (f * q(f) - 2)          q: relative error 3.1e-8
template <class Float, class Uint>
SINGERPRINT_HOST_DEVICE inline Float minus_two_log(Float u) {
  constexpr std::uint32_t kSqrtHalfBits = 0x3f3504f3u;
  const Uint above = bits_of(u) - Uint(kSqrtHalfBits);
  const Float exponent = signed_to_float(shift_right_signed(above, 23));
  const Float f = float_of_bits((above & Uint(0x007fffffu)) + Uint(kSqrtHalfBits)) - Float(1.0f);
  Float q = Float(-0x1.6fde2ap-3f);
  q = fma(q, f, Float(0x1.27713cp-2f));
  q = fma(q, f, Float(-0x1.30cc42p-2f));
  q = fma(q, f, Float(0x1.52fbc0p-2f));
  q = fma(q, f, Float(-0x1.98dab4p-2f));
  q = fma(q, f, Float(0x1.0006c2p-1f));
  q = fma(q, f, Float(-0x1.5556e6p-1f));
  q = fma(q, f, Float(0x1.fffff4p-1f));
  return fma(exponent, Float(-0x1.62e430p+0f), f * fma(f, q, Float(-2.0f)));
}

// Two words -> two independent N(0, 1).
template <class Float, class Uint>
SINGERPRINT_HOST_DEVICE inline void box_muller(Uint word0, Uint word1, Float& first, Float& second) {
  const Float u = fma(unsigned_to_float(word0), Float(0x1p-32f), Float(0x1p-33f));
  const Float radius = square_root(minus_two_log<Float, Uint>(u));
  // A turn is 2^32. Bits 30 .. 0 are a signed angle in [-1/2, 1/2) half turns; what they lack to a turn is no or one
  // half turn, which turns both signs: one where bits 31 and 30 differ.
  const Uint angle = word1 << 1;
  const Float half_turns = signed_to_float(angle) * Float(0x1p-32f);
  const Float signed_radius = float_of_bits(bits_of(radius) ^ ((word1 ^ angle) & Uint(0x80000000u)));
  first = signed_radius * cosine_of_half_turns(half_turns);
  second = signed_radius * sine_of_half_turns(half_turns);
}

// The four N(0, 1) of elements 4 * index .. 4 * index + 3.
struct NormalBlock {
  float value[4];
};
SINGERPRINT_HOST_DEVICE inline NormalBlock normal_block(const DrawStream& draws, std::uint32_t index) {
  const PhiloxBlock block = draw_block(draws, index);
  NormalBlock normal;
  box_muller(block.word[0], block.word[1], normal.value[0], normal.value[1]);
  box_muller(block.word[2], block.word[3], normal.value[2], normal.value[3]);
  return normal;
}

}  // namespace singerprint
