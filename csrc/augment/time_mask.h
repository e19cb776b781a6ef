// time_mask: silences one stretch of each waveform.
//   y[b, n] = 0 for start_samples[b] <= n < start_samples[b] + length_samples[b], else x[b, n]
// The part of a stretch that lies beyond the waveform masks nothing. A negative start or length is an error on the CPU;
// on CUDA, where to look at it would wait for the device, it counts as 0.
#pragma once
#include <cstdint>

#include "core/host_device.h"

namespace singerprint {

struct Stretch {
  std::int64_t begin, end;  // [begin, end) within [0, samples]
};

SINGERPRINT_HOST_DEVICE inline Stretch stretch_within(std::int64_t start, std::int64_t length, std::int64_t samples) {
  const std::int64_t begin = start < 0 ? 0 : start < samples ? start : samples;
  const std::int64_t room = samples - begin;  // compared before it is added: start + length may overflow
  return {begin, begin + (length < 0 ? 0 : length < room ? length : room)};
}

// waveforms and result: (batch, samples) contiguous; start_samples, length_samples: (batch,).
const char* launch_time_mask(const float* waveforms, const std::int64_t* start_samples,
                             const std::int64_t* length_samples, std::int64_t batch, std::int64_t samples,
                             float* result, void* stream);

}  // namespace singerprint
