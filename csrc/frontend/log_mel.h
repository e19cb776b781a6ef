// log_mel: the logarithm of the power, or of the magnitude, in mel filters, frame by frame.
//   frame[b, t, n] = waveform[b, t hop + n - before],  before = n_fft / 2 (centred) or 0; mirrored or 0 beyond the ends
//   bin[b, k, t]   = |sum_n window[n] frame[b, t, n] exp(-2 pi i k n / n_fft)|^power
//   y[b, m, t]     = factor ln(max(sum_k weight[m, k] bin[b, k, t] + offset, floor))
// window: dsp/window.h, bin: dsp/power_spectrum.h, weight: dsp/mel_filter_bank.h. factor is 1 (ln), 10 / ln 10 for
// power 2 and 20 / ln 10 for power 1 (db); with `none` y is the sum itself.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/dispatch.h"
#include "core/host_device.h"

namespace singerprint {

// Where sample n lies in a waveform that is mirrored at its ends: -samples < n < 2 samples - 1.
SINGERPRINT_HOST_DEVICE inline std::int64_t reflect_index(std::int64_t n, std::int64_t samples) {
  if (n < 0) return -n;
  return n < samples ? n : 2 * (samples - 1) - n;
}

// What frames read: n is at most n_fft / 2 beyond an end.
enum class Padding : std::int32_t { kReflect, kZeros };
template <class Number>
SINGERPRINT_HOST_DEVICE inline Number padded_sample(const Number* waveform, std::int64_t samples, std::int64_t n,
                                                    Padding padding) {
  if (padding == Padding::kReflect) return waveform[reflect_index(n, samples)];
  return n >= 0 && n < samples ? waveform[n] : Number{0};
}

// What becomes of a filter's sum.
template <class Number>
struct MelLevel {
  Number factor;  // 0: nothing
  Number offset, floor;
};
// NaN stays NaN.
template <class Number>
SINGERPRINT_HOST_DEVICE inline Number level_of(Number sum, const MelLevel<Number>& level) {
  if (level.factor == Number{0}) return sum;
  const Number shifted = sum + level.offset;
  return level.factor * std::log(level.floor > shifted ? level.floor : shifted);
}

// A MelFilterBank as pointers, to the host's or the device's memory.
struct MelFilters {
  std::int32_t n_mels;
  const std::int32_t* first_bin;  // (mels)
  const std::int32_t* begin;      // (mels + 1)
  const float* weights;
};

// power: (bins, lane_count). Writes the first `frames` lanes (at most lane_count) of each mel; rows are row_distance
// apart. magnitude: of the roots of the powers.
SINGERPRINT_DECLARE_LANES(void, log_mel_lanes,
                          (const float* power, const MelFilters& filters, bool magnitude, const MelLevel<float>& level,
                           std::int64_t frames, std::int64_t row_distance, float* result))

// What the kernel reads of a configuration.
struct LogMelTables {
  std::int32_t n_fft;   // a power of two, 16 .. 8192
  std::int32_t before;  // samples of a frame before its place in the waveform
  Padding padding;
  bool magnitude;
  const float* half_window;  // (n_fft), the window / 2
  const float* twiddles;     // (n_fft, 2): exp(-2 pi i k / n_fft)
  MelFilters filters;
  MelLevel<float> level;
};

// waveforms: (batch, samples), result: (batch, mels, frames), both contiguous. Returns nullptr or the launch's error.
const char* launch_log_mel(const float* waveforms, std::int64_t batch, std::int64_t samples, std::int64_t hop_length,
                           std::int64_t frames, const LogMelTables& tables, float* result, void* stream);

}  // namespace singerprint
