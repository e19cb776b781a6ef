#include "dsp/power_spectrum.h"

#include "dsp/lane_complex.h"
#include "dsp/lane_transpose.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

// Columns [column, column + kLanes / 2), twiddled, into the blocks. A row of the columns is kLanes adjacent samples.
void load_columns(const PowerSpectrumTables& tables, const float* const* frames, int column, ComplexLane* blocks) {
  ComplexLane columns[kOuterRadix][kLanes / 2];
  for (int row = 0; row < kOuterRadix; ++row) {
    const int first_sample = 2 * (column + row * tables.inner);
    const Lane window = Lane::load(tables.half_window + first_sample);
    Lane samples[kLanes];
#pragma GCC unroll 16
    for (int lane = 0; lane < kLanes; ++lane) samples[lane] = window * Lane::load(frames[lane] + first_sample);
    transpose(samples);
#pragma GCC unroll 8
    for (int c = 0; c < kLanes / 2; ++c) columns[row][c] = {samples[2 * c], samples[2 * c + 1]};
  }
  const int distance = tables.block_distance;
  for (int c = 0; c < kLanes / 2; ++c) {
    ComplexLane x[kOuterRadix];
#pragma GCC unroll 16
    for (int row = 0; row < kOuterRadix; ++row) x[row] = columns[row][c];
    butterfly(x);
    const float* const twiddles = tables.outer_twiddles + (column + c) * 2 * (kOuterRadix - 1);
    ComplexLane* const to = blocks + column + c;
    to[0] = x[0];
#pragma GCC unroll 16
    for (int b = 1; b < kOuterRadix; ++b) to[b * distance] = multiply(x[4 * (b % 4) + b / 4], twiddles + 2 * (b - 1));
  }
}

// One pass of the Stockham transform (self-sorting) of `size` numbers at distance `stride`.
template <int kRadix>
void stockham_pass(const ComplexLane* from, ComplexLane* to, int size, int stride, const float* twiddles) {
  const int columns = size / kRadix;
  for (int p = 0; p < columns; ++p, twiddles += 2 * (kRadix - 1)) {
    for (int q = 0; q < stride; ++q) {
      ComplexLane x[kRadix];
#pragma GCC unroll 8
      for (int i = 0; i < kRadix; ++i) x[i] = from[q + stride * (p + columns * i)];
      butterfly(x);
      ComplexLane* const result = to + q + stride * kRadix * p;
      result[0] = x[0];
#pragma GCC unroll 8
      for (int i = 1; i < kRadix; ++i) result[stride * i] = multiply(x[i], twiddles + 2 * (i - 1));
    }
  }
}

// The last pass: no twiddles, and every butterfly writes where it has read.
template <int kRadix>
void last_pass(ComplexLane* numbers, int stride) {
  for (int q = 0; q < stride; ++q) {
    ComplexLane x[kRadix];
#pragma GCC unroll 8
    for (int i = 0; i < kRadix; ++i) x[i] = numbers[q + stride * i];
    butterfly(x);
#pragma GCC unroll 8
    for (int i = 0; i < kRadix; ++i) numbers[q + stride * i] = x[i];
  }
}

// Transforms a block; the passes alternate between it and `spare`. Returns the one that holds the result.
const ComplexLane* transform_block(const PowerSpectrumTables& tables, ComplexLane* block, ComplexLane* spare) {
  int size = tables.inner, stride = 1;
  for (int pass = 0; pass + 1 < tables.passes; ++pass) {
    const int radix = tables.radix[pass];
    if (radix == 8) {
      stockham_pass<8>(block, spare, size, stride, tables.inner_twiddles[pass]);
    } else {
      stockham_pass<4>(block, spare, size, stride, tables.inner_twiddles[pass]);
    }
    size /= radix;
    stride *= radix;
    ComplexLane* const swapped = block;
    block = spare;
    spare = swapped;
  }
  if (size == 8) {
    last_pass<8>(block, stride);
  } else {
    last_pass<4>(block, stride);
  }
  return block;
}

SINGERPRINT_LANE_INLINE void store_power(Lane re, Lane im, float* to) { multiply_add(re, re, im * im).store(to); }

// z[k] and z[half - k] of the packed signal give the real signal's bins k and half - k:
//   even = z[k] + conj z[half - k], odd = -i (z[k] - conj z[half - k])   (the halves are in the window)
//   X[k] = even + exp(-2 pi i k / n_fft) odd, conj X[half - k] = even - exp(-2 pi i k / n_fft) odd
SINGERPRINT_LANE_INLINE void untangle(ComplexLane z, ComplexLane mirror, const float* twiddle, float* power,
                                      float* mirror_power) {
  const ComplexLane even{z.re + mirror.re, z.im - mirror.im};
  const ComplexLane odd = multiply({z.im + mirror.im, mirror.re - z.re}, twiddle);
  const ComplexLane sum = even + odd, difference = even - odd;
  store_power(sum.re, sum.im, power);
  store_power(difference.re, difference.im, mirror_power);
}

// Block b holds the bins b + 16 i, so 16 - b holds their mirrors; blocks 0 and 8 mirror themselves.
void untangle_blocks(const PowerSpectrumTables& tables, int b, const ComplexLane* block, const ComplexLane* mirror,
                     float* power) {
  const int inner = tables.inner, half = kOuterRadix * inner;
  const float* const twiddles = tables.untangle_twiddles + 2 * b * inner;
  const bool alone = b % (kOuterRadix / 2) == 0;
  const int begin = b == 0 ? 1 : 0;
  const int end = b == 0 ? inner / 2 + 1 : alone ? inner / 2 : inner;
  for (int i = begin; i < end; ++i) {
    const int k = b + kOuterRadix * i, j = b == 0 ? inner - i : inner - 1 - i;
    untangle(block[i], mirror[j], twiddles + 2 * i, power + k * kLanes, power + (half - k) * kLanes);
  }
  if (b == 0) {  // the zero and the Nyquist frequency, both real; the 2 undoes the half of the window
    const Lane zero = 2.0f * (block[0].re + block[0].im), nyquist = 2.0f * (block[0].re - block[0].im);
    (zero * zero).store(power);
    (nyquist * nyquist).store(power + half * kLanes);
  }
}

}  // namespace

int lane_count() { return kLanes; }

void power_spectrum_lanes(const PowerSpectrumTables& tables, const float* const* frames, float* work, float* power) {
  const int inner = tables.inner, distance = tables.block_distance;
  ComplexLane* const blocks = reinterpret_cast<ComplexLane*>(work);
  ComplexLane* const spare = blocks + kOuterRadix * distance;
  ComplexLane* const mirror_spare = spare + inner;
  for (int column = 0; column < inner; column += kLanes / 2) load_columns(tables, frames, column, blocks);
  for (int b = 0; b <= kOuterRadix / 2; ++b) {
    const ComplexLane* const block = transform_block(tables, blocks + b * distance, spare);
    const bool alone = b % (kOuterRadix / 2) == 0;
    const ComplexLane* const mirror =
        alone ? block : transform_block(tables, blocks + (kOuterRadix - b) * distance, mirror_spare);
    untangle_blocks(tables, b, block, mirror, power);
  }
}

}  // namespace singerprint::SINGERPRINT_ISA
