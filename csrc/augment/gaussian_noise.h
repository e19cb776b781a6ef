// gaussian_noise: adds white Gaussian noise, to each waveform at its own amplitude (the noise's standard deviation).
//   y[b, n] = x[b, n] + amplitude[b] * normal[b, n], fused and rounded once; amplitude 0: y[b, n] = x[b, n], all bits
//   normal[b, n] = element n of the per-sample draws of (seed, clip_ids[b], epochs[b], stream): core/random.h
#pragma once
#include <cstdint>

#include "core/dispatch.h"
#include "core/host_device.h"
#include "core/random.h"

namespace singerprint {

// A block's index is a word of the Philox counter.
inline constexpr std::int64_t kMaxNoiseSamples = std::int64_t{4} << 32;

// Samples [begin, end) of one waveform; begin is a multiple of 4. waveform and result point to sample 0.
SINGERPRINT_DECLARE_LANES(void, gaussian_noise_lanes,
                          (const float* waveform, float amplitude, const DrawStream& draws, std::int64_t begin,
                           std::int64_t end, float* result))

// waveforms and result: (batch, samples) contiguous; amplitude, clip_ids, epochs: (batch,); seed: one number.
const char* launch_gaussian_noise(const float* waveforms, const float* amplitude, const std::int64_t* seed,
                                  const std::int64_t* clip_ids, const std::int64_t* epochs, std::int64_t stream,
                                  std::int64_t batch, std::int64_t samples, float* result, void* cuda_stream);

}  // namespace singerprint
