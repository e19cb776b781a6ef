// gain: changes the level of each waveform by its own number of decibels.
//   y[b, n] = 10^(gain_db[b] / 20) * x[b, n]
#pragma once
#include <cmath>
#include <cstdint>

#include "core/dispatch.h"
#include "core/host_device.h"

namespace singerprint {

SINGERPRINT_HOST_DEVICE inline float decibels_to_factor(float decibels) {
  // In double: powf differs between C libraries and CUDA, its correctly rounded result does not.
  return static_cast<float>(pow(10.0, static_cast<double>(decibels) / 20.0));
}

SINGERPRINT_DECLARE_LANES(void, gain_lanes, (const float* waveform, float factor, std::int64_t samples, float* result))

// waveforms and result: (batch, samples) contiguous; gain_db: (batch,). Returns nullptr or the launch's error.
const char* launch_gain(const float* waveforms, const float* gain_db, std::int64_t batch, std::int64_t samples,
                        float* result, void* stream);

}  // namespace singerprint
