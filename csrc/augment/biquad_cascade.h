// biquad_cascade: second-order sections one after the other, each waveform with its own coefficients, from rest.
//   y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]          in every section; its y is the next one's x
//
// Direct forms lose a low frequency f to float32: their states and coefficients are differences of size (f / rate)^2.
// The same transfer function is computed by the two integrators of a state-variable filter instead, whose numbers are
// of the size of f / rate and whose state is of the size of the signal:
//   y   = d x + c1 s1 + c2 s2                  d = b0, c1 = (f1 - f2) / (2 q), c2 = (f1 + f2) / (2 r)
//   s1 += p s1 + q (x - s2)                    f1 = b1 - a1 b0, f2 = b2 - a2 b0
//   s2 += q s1 + r (x - s2)                    p = -(3 + a1 - a2) / 2, r = (1 + a1 + a2) / 2
//                                              q = sqrt((1 + a1 + a2) (1 - a1 + a2)) / 2
// (state-variable filter: Zavalishin, "The Art of VA Filter Design", section 4; its matrix [1+p, -q; q, 1-r] has the
// trace -a1 and the determinant a2, and the rest follows from the first three numbers of the impulse response.)
// q is real where the section is stable: |a2| < 1 and |a1| < 1 + a2.
// Two samples x0, x1 are done at once, so that a state is waited for half as often; with M = [1+p, -q; q, 1-r]:
//   y0 = d x0 + c s        y1 = d x1 + (c (q, r)) x0 + (c M) s        s += (M^2 - 1) s + M (q, r) x0 + (q, r) x1
//
// CPU   clips lie side by side in lanes, or the sections of a clip, each some samples behind the one before it. Both
//       do the same arithmetic on a clip, to the bit.
// CUDA  a block has a clip, in tiles of kBiquadThreads chunks of kBiquadChunk samples. Each thread runs its chunk from
//       rest; a scan with the powers of the matrix makes the states that the chunks start from; each runs again.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/dispatch.h"
#include "core/host_device.h"
#include "core/scalar.h"

namespace singerprint {

inline constexpr std::int64_t kBiquadCoefficients = 5;  // b0 b1 b2 a1 a2, with a0 = 1
inline constexpr std::int64_t kMaxBiquadSections = 64;  // what the CUDA kernel's shared memory holds
inline constexpr int kBiquadThreads = 256;
inline constexpr int kBiquadChunk = 32;
inline constexpr int kBiquadScanRounds = 8;  // log2(kBiquadThreads)

template <class Float>
struct BiquadSection {
  Float p, q, r, d, c1, c2;
};

template <class Float>
struct BiquadState {
  Float s1, s2;
};

// Nothing is asked: a clip whose sections all are that keeps its bits, infinities, NaN and subnormal numbers too.
SINGERPRINT_HOST_DEVICE inline bool biquad_is_identity(const double* b0_b1_b2_a1_a2) {
  const double* const c = b0_b1_b2_a1_a2;
  return c[0] == 1 && c[1] == c[3] && c[2] == c[4];
}
SINGERPRINT_HOST_DEVICE inline bool biquad_is_stable(double a1, double a2) { return fabs(a2) < 1 && fabs(a1) < 1 + a2; }

// NaN where the section is not stable because of a1.
SINGERPRINT_HOST_DEVICE inline BiquadSection<double> biquad_section(const double* b0_b1_b2_a1_a2) {
  const double b0 = b0_b1_b2_a1_a2[0], a1 = b0_b1_b2_a1_a2[3], a2 = b0_b1_b2_a1_a2[4];
  const double f1 = b0_b1_b2_a1_a2[1] - a1 * b0, f2 = b0_b1_b2_a1_a2[2] - a2 * b0;
  const double at_zero = 1 + a1 + a2, at_nyquist = 1 - a1 + a2;
  const double q = 0.5 * sqrt(at_zero * at_nyquist);
  return {-0.5 * (3 + a1 - a2), q, 0.5 * at_zero, b0, (f1 - f2) / (2 * q), (f1 + f2) / at_zero};
}

// What two samples need: the formula's coefficients, rows and columns counted from 1.
template <class Float>
struct BiquadPair {
  Float d, c1, c2;           // y0
  Float e, g1, g2;           // y1
  Float p11, p12, b11, b12;  // s1: of s1, s2, x0, x1
  Float p21, p22, b21, b22;  // s2
};

SINGERPRINT_HOST_DEVICE inline BiquadPair<float> biquad_pair(const BiquadSection<double>& section) {
  const auto [p, q, r, d, c1, c2] = section;
  const double p21 = q * (2 + p - r);
  const auto rounded = [](double value) { return static_cast<float>(value); };
  return {rounded(d),
          rounded(c1),
          rounded(c2),
          rounded(c1 * q + c2 * r),
          rounded(c1 * (1 + p) + c2 * q),
          rounded(c2 * (1 - r) - c1 * q),
          rounded(p * (2 + p) - q * q),
          rounded(-p21),
          rounded(q * (1 + p - r)),
          rounded(q),
          rounded(p21),
          rounded(-r * (2 - r) - q * q),
          rounded(q * q + r * (1 - r)),
          rounded(r)};
}

// x0 and x1 become y0 and y1. Both states are changed by two operations that wait for them.
template <class Float>
SINGERPRINT_HOST_DEVICE inline void biquad_step(const BiquadPair<Float>& pair, BiquadState<Float>& state, Float& x0,
                                                Float& x1) {
  const Float s1 = state.s1, s2 = state.s2;
  const Float u1 = multiply_add(pair.p12, s2, multiply_add(pair.b12, x1, pair.b11 * x0));
  const Float u2 = multiply_add(pair.p21, s1, multiply_add(pair.b22, x1, pair.b21 * x0));
  const Float y1 = multiply_add(pair.e, x0, multiply_add(pair.g2, s2, pair.g1 * s1));
  x0 = multiply_add(pair.d, x0, multiply_add(pair.c2, s2, pair.c1 * s1));
  x1 = multiply_add(pair.d, x1, y1);
  state.s1 = multiply_add(pair.p11, s1, s1) + u1;
  state.s2 = multiply_add(pair.p22, s2, s2) + u2;
}

// What some samples of silence do to a state: [m11, -m21; m21, m22], a power of M.
template <class Float>
struct BiquadTransition {
  Float m11, m21, m22;
};

SINGERPRINT_HOST_DEVICE inline BiquadTransition<double> squared(const BiquadTransition<double>& m) {
  return {m.m11 * m.m11 - m.m21 * m.m21, m.m21 * (m.m11 + m.m22), m.m22 * m.m22 - m.m21 * m.m21};
}

// powers[j]: the transition over 2^j chunks.
SINGERPRINT_HOST_DEVICE inline void biquad_chunk_powers(const BiquadSection<double>& section,
                                                        BiquadTransition<float>* powers) {
  BiquadTransition<double> power = {1 + section.p, section.q, 1 - section.r};
  for (int length = 1; length < kBiquadChunk; length *= 2) power = squared(power);
  for (int j = 0; j < kBiquadScanRounds; ++j, power = squared(power)) {
    powers[j] = {static_cast<float>(power.m11), static_cast<float>(power.m21), static_cast<float>(power.m22)};
  }
}

// The state at the end of a stretch: from what it makes of rest, and what it is started with.
SINGERPRINT_HOST_DEVICE inline BiquadState<float> continued(const BiquadTransition<float>& m, BiquadState<float> start,
                                                            BiquadState<float> from_rest) {
  return {multiply_add(m.m11, start.s1, multiply_add(-m.m21, start.s2, from_rest.s1)),
          multiply_add(m.m21, start.s1, multiply_add(m.m22, start.s2, from_rest.s2))};
}

// Waveforms that one call of biquad_cascade_lanes filters, at most.
SINGERPRINT_DECLARE_LANES(int, biquad_lane_count, ())
// sections: (clips, count); waveforms and result: (clips, samples). Subnormal numbers count as 0.
SINGERPRINT_DECLARE_LANES(void, biquad_cascade_lanes,
                          (const BiquadPair<float>* sections, std::int64_t count, std::int64_t clips,
                           const float* waveforms, std::int64_t samples, float* result))
// The same, to the bit, of any number of clips, the sections in lanes.
SINGERPRINT_DECLARE_LANES(void, biquad_cascade_skewed_lanes,
                          (const BiquadPair<float>* sections, std::int64_t count, std::int64_t clips,
                           const float* waveforms, std::int64_t samples, float* result))

// waveforms and result: (batch, samples) contiguous; coefficients: (batch, sections, 5). Returns nullptr or the
// launch's error.
const char* launch_biquad_cascade(const float* waveforms, const double* coefficients, std::int64_t batch,
                                  std::int64_t sections, std::int64_t samples, float* result, void* stream);

}  // namespace singerprint
