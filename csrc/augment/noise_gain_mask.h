// noise_gain_mask: gaussian_noise, gain and time_mask in one pass over memory, to the same bits.
//   y[b, n] = 0 in the stretch of time_mask, else 10^(gain_db[b] / 20) * (x[b, n] + amplitude[b] * normal[b, n])
#pragma once
#include <cstdint>

namespace singerprint {

// waveforms and result: (batch, samples) contiguous; the other arrays as launch_gaussian_noise, launch_gain and
// launch_time_mask take them.
const char* launch_noise_gain_mask(const float* waveforms, const float* amplitude, const float* gain_db,
                                   const std::int64_t* start_samples, const std::int64_t* length_samples,
                                   const std::int64_t* seed, const std::int64_t* clip_ids, const std::int64_t* epochs,
                                   std::int64_t stream, std::int64_t batch, std::int64_t samples, float* result,
                                   void* cuda_stream);

}  // namespace singerprint
