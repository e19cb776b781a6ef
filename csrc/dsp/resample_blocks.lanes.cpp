#include "dsp/resample_blocks.h"

#include <cstddef>

#include "dsp/lane_complex.h"
#include "dsp/lane_transpose.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

constexpr int kPrefetchedSamples = 128, kPrefetchedOutputs = 64;

// Samples of all blocks to complex lanes; size_in >= kLanes. The last group overlaps the one before it.
void load_blocks(const FourierTables& tables, const float* const* inputs, std::int32_t size, ComplexLane* to) {
  for (std::int32_t next = 0; next < size; next += kLanes) {
    const std::int32_t n = next + kLanes <= size ? next : size - kLanes;
    // More streams than the processor follows by itself; to the second cache, since the first would not hold them all.
    // Beyond a block's end lies the memory of others, or none: a prefetch of it does nothing.
#pragma GCC unroll 32
    for (int block = 0; block < 2 * kLanes; ++block) __builtin_prefetch(inputs[block] + n + kPrefetchedSamples, 0, 2);
    Lane even[kLanes], odd[kLanes];
#pragma GCC unroll 16
    for (int lane = 0; lane < kLanes; ++lane) even[lane] = Lane::load(inputs[2 * lane] + n);
    transpose(even);
    FourierPlace place = FourierPlace::of_sample(tables, n);
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i, ++place) to[*place].re = even[i];
#pragma GCC unroll 16
    for (int lane = 0; lane < kLanes; ++lane) odd[lane] = Lane::load(inputs[2 * lane + 1] + n);
    transpose(odd);
    place = FourierPlace::of_sample(tables, n);
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i, ++place) to[*place].im = odd[i];
  }
}

// The spectrum at the other rate, real and imaginary parts exchanged: what the inverse transform begins with.
void filter_spectrum(const ResampleBlockTables& tables, const ComplexLane* from, ComplexLane* to) {
  const auto exchanged = [](ComplexLane z) { return ComplexLane{z.im, z.re}; };
  const float* gain = tables.gains;
  const std::int32_t last = tables.bins - 1;
  FourierPlace bin = FourierPlace::of_bin(tables.forward, 0), sample = FourierPlace::of_sample(tables.backward, 0);
  for (std::int32_t k = 0; k <= last; ++k, ++bin, ++sample, gain += 2) {
    to[*sample] = exchanged(multiply(from[*bin], gain));
  }
  for (std::int32_t k = tables.bins; k < tables.size_out - last; ++k, ++sample) to[*sample] = {Lane(0.0f), Lane(0.0f)};
  bin = FourierPlace::of_bin(tables.forward, tables.size_in - last);
  for (std::int32_t k = last; k > 0; --k, ++bin, ++sample) {
    const float conjugate[] = {tables.gains[2 * k], -tables.gains[2 * k + 1]};
    to[*sample] = exchanged(multiply(from[*bin], conjugate));
  }
}

// Outputs [n, n + kLanes) of one block in each row, those below its count.
void store_rows(const Lane (&rows)[kLanes], int parity, std::int64_t n, float* const* results,
                const std::int64_t* counts) {
  for (int lane = 0; lane < kLanes; ++lane) {
    const int block = 2 * lane + parity;
    const std::int64_t left = counts[block] - n;
    if (left >= kLanes) {
      rows[lane].store(results[block] + n);
    } else if (left > 0) {
      std::memcpy(results[block] + n, &rows[lane].v, static_cast<std::size_t>(left) * sizeof(float));
    }
  }
}

// As load_blocks does, to be written; not beyond a block's results, which are another block's.
void prefetch_rows(std::int64_t n, float* const* results, const std::int64_t* counts) {
#pragma GCC unroll 32
  for (int block = 0; block < 2 * kLanes; ++block) {
    if (n < counts[block]) __builtin_prefetch(results[block] + n, 1, 2);
  }
}

void store_blocks(const ResampleBlockTables& tables, const ComplexLane* from, float* const* results,
                  const std::int64_t* counts) {
  std::int64_t longest = 0;
  for (int block = 0; block < 2 * kLanes; ++block) longest = counts[block] > longest ? counts[block] : longest;
  FourierPlace place = FourierPlace::of_bin(tables.backward, tables.first_kept);
  for (std::int64_t n = 0; n < longest; n += kLanes) {
    prefetch_rows(n + kPrefetchedOutputs, results, counts);
    Lane even[kLanes], odd[kLanes];
    // Beyond the block's last output there is another, of the guard.
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i, ++place) {
      const bool inside = tables.first_kept + n + i < tables.size_out;
      const ComplexLane z = from[inside ? *place : 0];
      even[i] = z.im;
      odd[i] = z.re;
    }
    transpose(even);
    store_rows(even, 0, n, results, counts);
    transpose(odd);
    store_rows(odd, 1, n, results, counts);
  }
}

}  // namespace

void resample_blocks_lanes(const ResampleBlockTables& tables, const float* const* inputs, const ResampleWork& work,
                           float* const* results, const std::int64_t* counts) {
  auto* const input = reinterpret_cast<ComplexLane*>(work.input);
  auto* const output = reinterpret_cast<ComplexLane*>(work.output);
  load_blocks(tables.forward, inputs, tables.size_in, input);
  fourier_lanes(tables.forward, work.input, work.line);
  filter_spectrum(tables, input, output);
  fourier_lanes(tables.backward, work.output, work.line);
  store_blocks(tables, output, results, counts);
}

}  // namespace singerprint::SINGERPRINT_ISA
