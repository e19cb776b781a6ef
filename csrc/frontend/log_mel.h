// log_mel: natural logarithm of the power in mel filters, frame by frame.
//   frame[b, t, n] = waveform[b, t hop + n - n_fft / 2], reflected at both ends,   0 <= t <= samples / hop
//   power[b, k, t] = |sum_n hann[n] frame[b, t, n] exp(-2 pi i k n / n_fft)|^2     (dsp/power_spectrum.h)
//   y[b, m, t]     = ln(sum_k weight[m, k] power[b, k, t] + log_offset)            (dsp/mel_filter_bank.h)
#pragma once
#include <cstdint>

#include "core/dispatch.h"
#include "core/host_device.h"

namespace singerprint {

// Where sample n lies in a waveform that is mirrored at its ends: -samples < n < 2 samples - 1.
SINGERPRINT_HOST_DEVICE inline std::int64_t reflect_index(std::int64_t n, std::int64_t samples) {
  if (n < 0) return -n;
  return n < samples ? n : 2 * (samples - 1) - n;
}

// A MelFilterBank as pointers, to the host's or the device's memory.
struct MelFilters {
  std::int32_t n_mels;
  const std::int32_t* first_bin;  // (mels)
  const std::int32_t* begin;      // (mels + 1)
  const float* weights;
};

// power: (bins, lane_count). Writes the first `frames` lanes (at most lane_count) of each mel; rows are row_distance
// apart.
SINGERPRINT_DECLARE_LANES(void, log_mel_lanes,
                          (const float* power, const MelFilters& filters, float log_offset, std::int64_t frames,
                           std::int64_t row_distance, float* result))

// What the kernel reads of a configuration.
struct LogMelTables {
  std::int32_t n_fft;        // a power of two, 16 .. 8192
  const float* half_window;  // (n_fft), hann / 2
  const float* twiddles;     // (n_fft, 2): exp(-2 pi i k / n_fft)
  MelFilters filters;
};

// waveforms: (batch, samples), result: (batch, mels, frames), both contiguous. Returns nullptr or the launch's error.
const char* launch_log_mel(const float* waveforms, std::int64_t batch, std::int64_t samples, std::int64_t hop_length,
                           std::int64_t frames, const LogMelTables& tables, float log_offset, float* result,
                           void* stream);

}  // namespace singerprint
