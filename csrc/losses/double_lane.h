// DoubleLane: as many doubles as fit where Lane has its floats. For .lanes.cpp files alone, by the rules of
// core/lane.h.
#pragma once
#include "core/lane.h"

namespace singerprint::SINGERPRINT_ISA {

inline constexpr int kDoubleLanes = kLanes / 2;

typedef double DoubleVector __attribute__((vector_size(kDoubleLanes * sizeof(double))));

struct DoubleLane {
  DoubleVector v;
  DoubleLane() = default;
  explicit DoubleLane(DoubleVector value) : v(value) {}
  DoubleLane(double value) : v(DoubleVector{} + value) {}

  static DoubleLane load(const double* from) {
    DoubleLane result;
    std::memcpy(&result.v, from, sizeof(result.v));
    return result;
  }
  void store(double* to) const { std::memcpy(to, &v, sizeof(v)); }

  DoubleLane& operator+=(DoubleLane other) {
    v += other.v;
    return *this;
  }
  friend DoubleLane operator+(DoubleLane a, DoubleLane b) { return DoubleLane(a.v + b.v); }
  friend DoubleLane operator-(DoubleLane a, DoubleLane b) { return DoubleLane(a.v - b.v); }
  friend DoubleLane operator*(DoubleLane a, DoubleLane b) { return DoubleLane(a.v * b.v); }
};

inline DoubleLane fma(DoubleLane a, DoubleLane b, DoubleLane c) {
#if defined(__AVX512F__)
  return DoubleLane((DoubleVector)_mm512_fmadd_pd((__m512d)a.v, (__m512d)b.v, (__m512d)c.v));
#elif defined(__AVX2__)
  return DoubleLane((DoubleVector)_mm256_fmadd_pd((__m256d)a.v, (__m256d)b.v, (__m256d)c.v));
#else
  DoubleLane result;
  for (int lane = 0; lane < kDoubleLanes; ++lane) result.v[lane] = __builtin_fma(a.v[lane], b.v[lane], c.v[lane]);
  return result;
#endif
}

inline DoubleLane multiply_add(DoubleLane a, DoubleLane b, DoubleLane c) {
#if defined(__FMA__) || defined(__aarch64__)
  return fma(a, b, c);
#else
  return a * b + c;
#endif
}

inline DoubleLane max(DoubleLane a, DoubleLane b) { return DoubleLane(a.v > b.v ? a.v : b.v); }

// The C library's, one at a time: exact to the last bit or so; doubles are for checking, not for speed.
inline DoubleLane exp2(DoubleLane x) {
  DoubleLane result;
  for (int lane = 0; lane < kDoubleLanes; ++lane) result.v[lane] = __builtin_exp2(x.v[lane]);
  return result;
}

}  // namespace singerprint::SINGERPRINT_ISA
