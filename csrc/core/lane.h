// Lane: 4, 8 or 16 floats side by side, by the instruction set that is being compiled. For .lanes.cpp files alone.
//
// Everything here lives in the namespace of its instruction set and is inline: were it elsewhere, the linker would keep
// one copy for all sets, and a machine without AVX-512 could run AVX-512 code. For the same reason these files use no
// standard containers or algorithms.
#pragma once
#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

// GCC 12 takes the undefined operand of its own unmasked AVX-512 intrinsics for a mistake.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

// Always inlined: a kernel made of lanes must not pay for calls.
#define SINGERPRINT_LANE_INLINE [[gnu::always_inline]] inline

namespace singerprint::SINGERPRINT_ISA {

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
#elif defined(__AVX2__)
inline constexpr int kLanes = 8;
#else
inline constexpr int kLanes = 4;
#endif

typedef float FloatVector __attribute__((vector_size(kLanes * sizeof(float))));
typedef std::int32_t IntVector __attribute__((vector_size(kLanes * sizeof(std::int32_t))));
typedef std::uint32_t UintVector __attribute__((vector_size(kLanes * sizeof(std::uint32_t))));

// The value in every lane. (`FloatVector{} + value` is not the same: -0 becomes 0, at the price of an addition.)
SINGERPRINT_LANE_INLINE FloatVector in_all_lanes(float value) {
#if defined(__AVX512F__)
  return (FloatVector)_mm512_set1_ps(value);
#elif defined(__AVX2__)
  return (FloatVector)_mm256_set1_ps(value);
#else
  return FloatVector{value, value, value, value};
#endif
}

struct Lane {
  FloatVector v;
  Lane() = default;
  explicit Lane(FloatVector value) : v(value) {}
  Lane(float value) : v(in_all_lanes(value)) {}  // implicit: `2.0f * lane` reads like the scalar formula

  static Lane load(const float* from) {
    Lane result;
    std::memcpy(&result.v, from, sizeof(result.v));
    return result;
  }
  void store(float* to) const { std::memcpy(to, &v, sizeof(v)); }

  Lane& operator+=(Lane other) {
    v += other.v;
    return *this;
  }
  Lane& operator-=(Lane other) {
    v -= other.v;
    return *this;
  }
  Lane& operator*=(Lane other) {
    v *= other.v;
    return *this;
  }
  friend Lane operator+(Lane a, Lane b) { return Lane(a.v + b.v); }
  friend Lane operator-(Lane a, Lane b) { return Lane(a.v - b.v); }
  friend Lane operator*(Lane a, Lane b) { return Lane(a.v * b.v); }
  friend Lane operator/(Lane a, Lane b) { return Lane(a.v / b.v); }
  friend Lane operator-(Lane a) { return Lane(-a.v); }
};

// a * b + c, rounded once. The baseline has no such instruction: the C library then computes the same bits, slowly.
SINGERPRINT_LANE_INLINE Lane fma(Lane a, Lane b, Lane c) {
#if defined(__AVX512F__)
  return Lane((FloatVector)_mm512_fmadd_ps((__m512)a.v, (__m512)b.v, (__m512)c.v));
#elif defined(__AVX2__)
  return Lane((FloatVector)_mm256_fmadd_ps((__m256)a.v, (__m256)b.v, (__m256)c.v));
#else
  Lane result;
  for (int lane = 0; lane < kLanes; ++lane) result.v[lane] = __builtin_fmaf(a.v[lane], b.v[lane], c.v[lane]);
  return result;
#endif
}

// a * b + c, rounded as is cheapest: for sums that need not have the same bits from every instruction set.
SINGERPRINT_LANE_INLINE Lane multiply_add(Lane a, Lane b, Lane c) {
#if defined(__FMA__) || defined(__aarch64__)
  return fma(a, b, c);
#else
  return a * b + c;
#endif
}

SINGERPRINT_LANE_INLINE Lane sqrt(Lane a) {
#if defined(__AVX512F__)
  return Lane((FloatVector)_mm512_sqrt_ps((__m512)a.v));
#elif defined(__AVX2__)
  return Lane((FloatVector)_mm256_sqrt_ps((__m256)a.v));
#else
  Lane result;
  for (int lane = 0; lane < kLanes; ++lane) result.v[lane] = __builtin_sqrtf(a.v[lane]);
  return result;
#endif
}

SINGERPRINT_LANE_INLINE Lane max(Lane a, Lane b) { return Lane(a.v > b.v ? a.v : b.v); }

// Bit i: whether a comparison, as of a.v > b.v, holds in lane i.
SINGERPRINT_LANE_INLINE std::uint32_t mask_of(IntVector comparison) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask((__m512i)comparison);
#elif defined(__AVX2__)
  return static_cast<std::uint32_t>(_mm256_movemask_ps((__m256)comparison));
#elif defined(__SSE2__)
  return static_cast<std::uint32_t>(_mm_movemask_ps((__m128)comparison));
#else
  std::uint32_t mask = 0;
  for (int lane = 0; lane < kLanes; ++lane) mask |= (comparison[lane] != 0 ? 1u : 0u) << lane;
  return mask;
#endif
}

// first, first + 1 ...
SINGERPRINT_LANE_INLINE Lane ramp(float first) {
  Lane lane;
  for (int i = 0; i < kLanes; ++i) lane.v[i] = first + static_cast<float>(i);
  return lane;
}

struct UintLane {
  UintVector v;
  UintLane() = default;
  explicit UintLane(UintVector value) : v(value) {}
  explicit UintLane(std::uint32_t value) : v(UintVector{} + value) {}

  friend UintLane operator+(UintLane a, UintLane b) { return UintLane(a.v + b.v); }
  friend UintLane operator-(UintLane a, UintLane b) { return UintLane(a.v - b.v); }
  friend UintLane operator&(UintLane a, UintLane b) { return UintLane(a.v & b.v); }
  friend UintLane operator^(UintLane a, UintLane b) { return UintLane(a.v ^ b.v); }
  friend UintLane operator<<(UintLane a, int count) { return UintLane(a.v << count); }
};

inline UintLane bits_of(Lane a) { return UintLane((UintVector)a.v); }
inline Lane float_of_bits(UintLane bits) { return Lane((FloatVector)bits.v); }

}  // namespace singerprint::SINGERPRINT_ISA
