#include "dsp/power_spectrum.h"

#include "dsp/lane_complex.h"
#include "dsp/lane_transpose.h"
#include "dsp/lane_untangle.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

constexpr int kGroup = kLanes / 2;  // columns that one vector of samples holds: (even, odd) pairs
// Of the groups in memory, in complex lanes: one more than they hold, or the numbers of a block, which lie at this
// distance, would meet in a few sets of the cache.
constexpr int kGroupDistance = kOuterRadix * kGroup + 1;

// Transforms a column and twiddles it, to every kGroup-th number from `to` on.
SINGERPRINT_LANE_INLINE void transform_column(ComplexLane (&x)[kOuterRadix], const float* twiddles, ComplexLane* to) {
  butterfly(x);
  to[0] = x[0];
#pragma GCC unroll 16
  for (int b = 1; b < kOuterRadix; ++b) to[b * kGroup] = multiply(x[4 * (b % 4) + b / 4], twiddles + 2 * (b - 1));
}

// Columns [column, column + kGroup), transformed and twiddled, to `group` (16, kGroup). The samples are transposed to
// where the result will lie and transformed in place: a buffer of their own would cost a second trip to L2.
void load_columns(const PowerSpectrumTables& tables, const float* const* frames, int column, ComplexLane* group) {
  for (int row = 0; row < tables.rows; ++row) {
    const int first_sample = 2 * (column + row * tables.inner);
    const Lane window = Lane::load(tables.half_window + first_sample);
    Lane samples[kLanes];
#pragma GCC unroll 16
    for (int lane = 0; lane < kLanes; ++lane) samples[lane] = window * Lane::load(frames[lane] + first_sample);
    transpose(samples);
#pragma GCC unroll 8
    for (int c = 0; c < kGroup; ++c) group[row * kGroup + c] = {samples[2 * c], samples[2 * c + 1]};
  }
  for (int i = tables.rows * kGroup; i < kOuterRadix * kGroup; ++i) group[i] = {Lane(0.0f), Lane(0.0f)};
  const float* twiddles = tables.outer_twiddles + column * 2 * (kOuterRadix - 1);
  for (int c = 0; c < kGroup; ++c, twiddles += 2 * (kOuterRadix - 1)) {
    ComplexLane x[kOuterRadix];
#pragma GCC unroll 16
    for (int row = 0; row < kOuterRadix; ++row) x[row] = group[row * kGroup + c];
    transform_column(x, twiddles, group + c);
  }
}

// The same of the real and even sequence `power`, of which (half + 1, kLanes) are there.
void load_even_columns(const PowerSpectrumTables& tables, const float* power, int column, ComplexLane* group) {
  const int n_fft = 2 * kOuterRadix * tables.inner;
  const float* twiddles = tables.outer_twiddles + column * 2 * (kOuterRadix - 1);
  for (int c = 0; c < kGroup; ++c, twiddles += 2 * (kOuterRadix - 1)) {
    ComplexLane x[kOuterRadix];
#pragma GCC unroll 16
    for (int row = 0; row < kOuterRadix; ++row) {
      const int even = 2 * (column + c + row * tables.inner);
      const bool mirrored = row >= kOuterRadix / 2;
      x[row].re = Lane::load(power + (mirrored ? n_fft - even : even) * kLanes);
      x[row].im = Lane::load(power + (mirrored ? n_fft - even - 1 : even + 1) * kLanes);
    }
    transform_column(x, twiddles, group + c);
  }
}

template <int kRadix>
SINGERPRINT_LANE_INLINE void store_twiddled(const ComplexLane (&x)[kRadix], const float* twiddles, int stride,
                                            ComplexLane* to) {
  to[0] = x[0];
#pragma GCC unroll 8
  for (int i = 1; i < kRadix; ++i) to[stride * i] = multiply(x[i], twiddles + 2 * (i - 1));
}

// The first pass of a block's Stockham transform (self-sorting), from the groups: number j of the block lies at
// block[(j / kGroup) kGroupDistance + j % kGroup].
template <int kRadix>
void first_pass(const PowerSpectrumTables& tables, const ComplexLane* block, ComplexLane* to) {
  const int columns = tables.inner / kRadix;
  const float* twiddles = tables.inner_twiddles[0];
  for (int p = 0; p < columns; ++p, twiddles += 2 * (kRadix - 1), to += kRadix) {
    ComplexLane x[kRadix];
#pragma GCC unroll 8
    for (int i = 0; i < kRadix; ++i) {
      const int j = p + columns * i;
      x[i] = block[j / kGroup * kGroupDistance + j % kGroup];
    }
    butterfly(x);
    store_twiddled(x, twiddles, 1, to);
  }
}

// A later pass: `size` numbers at distance `stride`.
template <int kRadix>
void stockham_pass(const ComplexLane* from, ComplexLane* to, int size, int stride, const float* twiddles) {
  const int columns = size / kRadix;
  for (int p = 0; p < columns; ++p, twiddles += 2 * (kRadix - 1)) {
    for (int q = 0; q < stride; ++q) {
      ComplexLane x[kRadix];
#pragma GCC unroll 8
      for (int i = 0; i < kRadix; ++i) x[i] = from[q + stride * (p + columns * i)];
      butterfly(x);
      store_twiddled(x, twiddles, stride, to + q + stride * kRadix * p);
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

// Transforms a block, with `spare` (2, inner) as memory; the last pass is in place. Returns where the result lies.
const ComplexLane* transform_block(const PowerSpectrumTables& tables, const ComplexLane* block, ComplexLane* spare) {
  ComplexLane* numbers = spare;
  if (tables.radix[0] == 8) {
    first_pass<8>(tables, block, numbers);
  } else {
    first_pass<4>(tables, block, numbers);
  }
  if (tables.passes == 1) return numbers;
  int stride = tables.radix[0];
  if (tables.passes == 3) {
    const int size = tables.inner / stride;
    ComplexLane* const other = spare + tables.inner;
    if (tables.radix[1] == 8) {
      stockham_pass<8>(numbers, other, size, stride, tables.inner_twiddles[1]);
    } else {
      stockham_pass<4>(numbers, other, size, stride, tables.inner_twiddles[1]);
    }
    numbers = other;
    stride *= tables.radix[1];
  }
  const int last_radix = tables.radix[tables.passes - 1];
  if (last_radix == 8) {
    last_pass<8>(numbers, stride);
  } else if (last_radix == 3) {
    last_pass<3>(numbers, stride);
  } else {
    last_pass<4>(numbers, stride);
  }
  return numbers;
}

// Blocks b and 16 - b, transformed; 0 and 8 stand alone.
struct BlockPair {
  const ComplexLane *block, *mirror;
};
BlockPair transform_blocks(const PowerSpectrumTables& tables, ComplexLane* blocks, int b) {
  ComplexLane* const spare = blocks + tables.inner / kGroup * kGroupDistance;
  const ComplexLane* const block = transform_block(tables, blocks + b * kGroup, spare);
  if (b % (kOuterRadix / 2) == 0) return {block, block};
  return {block, transform_block(tables, blocks + (kOuterRadix - b) * kGroup, spare + 2 * tables.inner)};
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

// Of a real and even sequence the bins are real. As above, without the halves:
//   n_fft a[k] = Re even + Re(exp(-2 pi i k / n_fft) odd), n_fft a[half - k] = Re even - Re(...)
void untangle_even_blocks(const PowerSpectrumTables& tables, int b, const ComplexLane* block, const ComplexLane* mirror,
                          int lags, float* result) {
  const int inner = tables.inner, half = kOuterRadix * inner;
  const float* twiddle = tables.untangle_twiddles + 2 * b * inner;
  const bool alone = b % (kOuterRadix / 2) == 0;
  const Lane scale(0.25f / static_cast<float>(half));
  for (int i = 0; i < inner; ++i, twiddle += 2) {
    const int k = b + kOuterRadix * i;
    const bool wanted = k < lags, mirror_wanted = !alone && half - k < lags;
    if (!wanted && !mirror_wanted) continue;
    const ComplexLane z = block[i], other = mirror[b == 0 ? (inner - i) % inner : inner - 1 - i];
    const Lane even = z.re + other.re;
    const Lane odd = multiply_add(Lane(twiddle[0]), z.im + other.im, Lane(twiddle[1]) * (z.re - other.re));
    if (wanted) (scale * (even + odd)).store(result + k * kLanes);
    if (mirror_wanted) (scale * (even - odd)).store(result + (half - k) * kLanes);
  }
}

}  // namespace

int lane_count() { return kLanes; }

std::int64_t power_spectrum_work_floats(const PowerSpectrumTables& tables) {
  const std::int64_t groups = tables.inner / kGroup, spares = 4;
  return 2 * kLanes * (groups * kGroupDistance + spares * tables.inner);
}

void power_spectrum_lanes(const PowerSpectrumTables& tables, const float* const* frames, float* work, float* power) {
  const int groups = tables.inner / kGroup;
  ComplexLane* const blocks = reinterpret_cast<ComplexLane*>(work);
  for (int g = 0; g < groups; ++g) load_columns(tables, frames, g * kGroup, blocks + g * kGroupDistance);
  for (int b = 0; b <= kOuterRadix / 2; ++b) {
    const BlockPair pair = transform_blocks(tables, blocks, b);
    untangle_blocks(tables, b, pair.block, pair.mirror, power);
  }
}

void autocorrelation_lanes(const PowerSpectrumTables& tables, std::int32_t lags, float* work, float* power) {
  const int groups = tables.inner / kGroup;
  ComplexLane* const blocks = reinterpret_cast<ComplexLane*>(work);
  for (int g = 0; g < groups; ++g) load_even_columns(tables, power, g * kGroup, blocks + g * kGroupDistance);
  for (int b = 0; b <= kOuterRadix / 2; ++b) {
    const BlockPair pair = transform_blocks(tables, blocks, b);
    untangle_even_blocks(tables, b, pair.block, pair.mirror, lags, power);
  }
}

}  // namespace singerprint::SINGERPRINT_ISA
