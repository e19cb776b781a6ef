// One frame's power spectrum by the threads of a CUDA block, in shared memory: a real transform by a complex one of
// half the size (Stockham, radix 4, one pass of radix 2 where the size needs it). Written for host and device: on the
// host one thread walks through all of it, and the tests hold it against the CPU kernel.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/block_thread.h"
#include "frontend/log_mel.h"

namespace singerprint {

struct ComplexNumber {
  float re, im;
};

// How a CUDA block of n_fft is made: `frames` adjacent frames, `threads` threads each.
struct FrameBlock {
  int frames, threads, shared_bytes;
};

inline constexpr int kMaximalThreads = 768;  // of a block; the kernel's registers are bounded by it

inline FrameBlock frame_block(int n_fft) {
  constexpr int kMaximalFrames = 8;  // 8 adjacent frames of a mel are one 32-byte sector of the result
  const int frame_bytes = n_fft * static_cast<int>(sizeof(ComplexNumber));
  const int fitting = kUsualSharedBytes / frame_bytes;
  const int frames = fitting < 1 ? 1 : fitting > kMaximalFrames ? kMaximalFrames : fitting;
  // A thread for each butterfly of four, between a warp and 256.
  const int butterflies = n_fft / 8;
  const int threads = butterflies < 32 ? 32 : butterflies > 256 ? 256 : butterflies;
  return {frames, threads, frames * frame_bytes};
}

SINGERPRINT_HOST_DEVICE inline ComplexNumber add(ComplexNumber a, ComplexNumber b) {
  return {a.re + b.re, a.im + b.im};
}
SINGERPRINT_HOST_DEVICE inline ComplexNumber subtract(ComplexNumber a, ComplexNumber b) {
  return {a.re - b.re, a.im - b.im};
}
// z * exp(-2 pi i k / n_fft)
SINGERPRINT_HOST_DEVICE inline ComplexNumber twiddle(ComplexNumber z, const float* twiddles, int k) {
  const float re = twiddles[2 * k], im = twiddles[2 * k + 1];
  return {fmaf(z.re, re, -(z.im * im)), fmaf(z.im, re, z.re * im)};
}

// Even samples real, odd samples imaginary, windowed. `start` is the waveform's index of the frame's first sample.
SINGERPRINT_HOST_DEVICE inline void pack_frame(BlockThread thread, const float* waveform, std::int64_t samples,
                                               std::int64_t start, const LogMelTables& tables, ComplexNumber* packed) {
  for (int n = thread.index; n < tables.n_fft / 2; n += thread.count) {
    packed[n] = {tables.half_window[2 * n] * padded_sample(waveform, samples, start + 2 * n, tables.padding),
                 tables.half_window[2 * n + 1] * padded_sample(waveform, samples, start + 2 * n + 1, tables.padding)};
  }
}

// A Stockham pass of radix 4: size numbers at distance stride, size * stride = half.
SINGERPRINT_HOST_DEVICE inline void pass_of_four(BlockThread thread, const LogMelTables& tables, int size, int stride,
                                                 const ComplexNumber* from, ComplexNumber* to) {
  const int quarter = tables.n_fft / 8, step = tables.n_fft / size;
  for (int index = thread.index; index < quarter; index += thread.count) {
    const int p = index / stride, q = index - p * stride;
    const ComplexNumber x0 = from[index], x1 = from[index + quarter];
    const ComplexNumber x2 = from[index + 2 * quarter], x3 = from[index + 3 * quarter];
    const ComplexNumber even = add(x0, x2), even_turned = subtract(x0, x2);
    const ComplexNumber odd = add(x1, x3), difference = subtract(x1, x3);
    const ComplexNumber odd_turned = {difference.im, -difference.re};
    ComplexNumber* const result = to + q + 4 * stride * p;
    result[0] = add(even, odd);
    result[stride] = twiddle(add(even_turned, odd_turned), tables.twiddles, p * step);
    result[2 * stride] = twiddle(subtract(even, odd), tables.twiddles, 2 * p * step);
    result[3 * stride] = twiddle(subtract(even_turned, odd_turned), tables.twiddles, 3 * p * step);
  }
}

// The last pass where a 2 is left over: no twiddles.
SINGERPRINT_HOST_DEVICE inline void pass_of_two(BlockThread thread, const LogMelTables& tables,
                                                const ComplexNumber* from, ComplexNumber* to) {
  const int quarter = tables.n_fft / 4;
  for (int q = thread.index; q < quarter; q += thread.count) {
    to[q] = add(from[q], from[q + quarter]);
    to[q + quarter] = subtract(from[q], from[q + quarter]);
  }
}

// Bins k and half - k of the real signal from the packed transform z (the halves are in the window).
SINGERPRINT_HOST_DEVICE inline void untangle_power(BlockThread thread, const LogMelTables& tables,
                                                   const ComplexNumber* z, float* power) {
  const int half = tables.n_fft / 2;
  for (int k = thread.index; k <= half / 2; k += thread.count) {
    const ComplexNumber a = z[k], b = z[(half - k) % half];
    const ComplexNumber even = {a.re + b.re, a.im - b.im};
    const ComplexNumber odd = twiddle({a.im + b.im, b.re - a.re}, tables.twiddles, k);
    const ComplexNumber x = add(even, odd), mirror = subtract(even, odd);
    power[k] = fmaf(x.re, x.re, x.im * x.im);
    power[half - k] = fmaf(mirror.re, mirror.re, mirror.im * mirror.im);
  }
}

// memory: n_fft complex numbers shared by the threads. Returns the powers (n_fft / 2 + 1), which lie in it.
SINGERPRINT_HOST_DEVICE inline const float* frame_power(BlockThread thread, const float* waveform, std::int64_t samples,
                                                        std::int64_t start, const LogMelTables& tables,
                                                        ComplexNumber* memory) {
  const int half = tables.n_fft / 2;
  ComplexNumber* from = memory;
  ComplexNumber* to = memory + half;
  pack_frame(thread, waveform, samples, start, tables, from);
  synchronise_block();
  for (int stride = 1; stride < half;) {
    const int size = half / stride;
    if (size == 2) {
      pass_of_two(thread, tables, from, to);
    } else {
      pass_of_four(thread, tables, size, stride, from, to);
    }
    stride *= size == 2 ? 2 : 4;
    synchronise_block();
    ComplexNumber* const swapped = from;
    from = to;
    to = swapped;
  }
  float* const power = reinterpret_cast<float*>(to);
  untangle_power(thread, tables, from, power);
  synchronise_block();
  return power;
}

SINGERPRINT_HOST_DEVICE inline float filter_level(const float* power, const LogMelTables& tables, int m) {
  const MelFilters& filters = tables.filters;
  const float* const bins = power + filters.first_bin[m];
  const float* const weights = filters.weights + filters.begin[m];
  const int count = filters.begin[m + 1] - filters.begin[m];
  float sum = 0.0f;
  for (int i = 0; i < count; ++i) sum = fmaf(weights[i], tables.magnitude ? sqrtf(bins[i]) : bins[i], sum);
  return level_of(sum, tables.level);
}

}  // namespace singerprint
