// shift: moves each waveform in time by its own number of samples, round about its end, with a fade at the seam.
//   seam = shift_samples[b] mod samples
//   y[b, n] = fade x[b, (n - seam) mod samples]
//   fade = (t + c (1 + 1.4186 c))^2, c = t (1 - t), t = distance / (fade_samples - 1), for a distance below
//   fade_samples
//          of n from the seam: n - seam after it, seam - 1 - n before it; else 1, and 1 throughout where seam = 0
// The fade in and out keep the power of what they join, within 1.1 %: Signalsmith Audio, "A cheap energy-preserving-ish
// crossfade", 2021. The definition of audiomentations 0.43.1, `Shift(rollover=True)`.
#pragma once
#include <cstdint>

#include "core/host_device.h"

namespace singerprint {

// Where the first sample goes, in [0, samples); samples >= 1.
SINGERPRINT_HOST_DEVICE inline std::int64_t seam_of(std::int64_t shift_samples, std::int64_t samples) {
  const std::int64_t rest = shift_samples % samples;
  return rest < 0 ? rest + samples : rest;
}

// distance in [0, fade_samples).
SINGERPRINT_HOST_DEVICE inline float seam_fade(std::int64_t distance, std::int64_t fade_samples) {
  const float t = fade_samples > 1 ? static_cast<float>(distance) / static_cast<float>(fade_samples - 1) : 0.0f;
  const float c = t * (1.0f - t);
  const float root = t + c * (1.0f + 1.4186f * c);
  return root * root;
}

SINGERPRINT_HOST_DEVICE inline std::int64_t distance_from_seam(std::int64_t n, std::int64_t seam) {
  return n < seam ? seam - 1 - n : n - seam;
}

// waveforms and result: (batch, samples) contiguous; shift_samples: (batch,). Returns nullptr or the launch's error.
const char* launch_shift(const float* waveforms, const std::int64_t* shift_samples, std::int64_t fade_samples,
                         std::int64_t batch, std::int64_t samples, float* result, void* stream);

}  // namespace singerprint
