// Butterflies of the sizes that lane_complex.h lacks: 2, 5 and 7. For .lanes.cpp files alone.
//   y[k] = sum_j x[j] exp(-2 pi i j k / size), in place
#pragma once
#include "dsp/lane_complex.h"

namespace singerprint::SINGERPRINT_ISA {

// cos and sin of 2 pi j / size.
template <int kSize>
struct Turn;
template <>
struct Turn<5> {
  static constexpr float kC1 = 0.30901699437494742f, kC2 = -0.80901699437494742f;
  static constexpr float kS1 = 0.95105651629515357f, kS2 = 0.58778525229247313f;
  static constexpr float kCos[] = {1.0f, kC1, kC2, kC2, kC1};
  static constexpr float kSin[] = {0.0f, kS1, kS2, -kS2, -kS1};
};
template <>
struct Turn<7> {
  static constexpr float kC1 = 0.62348980185873353f, kC2 = -0.22252093395631440f, kC3 = -0.90096886790241913f;
  static constexpr float kS1 = 0.78183148246802981f, kS2 = 0.97492791218182361f, kS3 = 0.43388373911755812f;
  static constexpr float kCos[] = {1.0f, kC1, kC2, kC3, kC3, kC2, kC1};
  static constexpr float kSin[] = {0.0f, kS1, kS2, kS3, -kS3, -kS2, -kS1};
};

// x[j] and x[size - j] share their products: even[k] = x[0] + sum_j cos (x[j] + x[size - j]) is common to y[k] and
// y[size - k], and so is odd[k] = sum_j sin (x[j] - x[size - j]) but for its sign.
template <int kSize>
SINGERPRINT_LANE_INLINE void odd_butterfly(ComplexLane (&x)[kSize]) {
  constexpr int kHalf = kSize / 2;
  using Table = Turn<kSize>;
  ComplexLane sum[kHalf], difference[kHalf];
  ComplexLane all = x[0];
#pragma GCC unroll 3
  for (int j = 0; j < kHalf; ++j) {
    sum[j] = x[j + 1] + x[kSize - 1 - j];
    difference[j] = x[j + 1] - x[kSize - 1 - j];
    all = all + sum[j];
  }
#pragma GCC unroll 3
  for (int k = 1; k <= kHalf; ++k) {
    ComplexLane even = x[0], odd{Lane(Table::kSin[k]) * difference[0].re, Lane(Table::kSin[k]) * difference[0].im};
#pragma GCC unroll 3
    for (int j = 0; j < kHalf; ++j) {
      const Lane cosine(Table::kCos[(j + 1) * k % kSize]), sine(Table::kSin[(j + 1) * k % kSize]);
      even = {multiply_add(cosine, sum[j].re, even.re), multiply_add(cosine, sum[j].im, even.im)};
      if (j > 0) odd = {multiply_add(sine, difference[j].re, odd.re), multiply_add(sine, difference[j].im, odd.im)};
    }
    x[k] = even + times_minus_i(odd);
    x[kSize - k] = even - times_minus_i(odd);
  }
  x[0] = all;
}

template <>
SINGERPRINT_LANE_INLINE void butterfly<2>(ComplexLane (&x)[2]) {
  const ComplexLane difference = x[0] - x[1];
  x[0] = x[0] + x[1];
  x[1] = difference;
}
template <>
SINGERPRINT_LANE_INLINE void butterfly<5>(ComplexLane (&x)[5]) {
  odd_butterfly(x);
}
template <>
SINGERPRINT_LANE_INLINE void butterfly<7>(ComplexLane (&x)[7]) {
  odd_butterfly(x);
}

}  // namespace singerprint::SINGERPRINT_ISA
