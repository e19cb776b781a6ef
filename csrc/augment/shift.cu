#include "augment/shift.h"
#include "core/launch.cuh"

namespace singerprint {
namespace {

// One thread per sample of the result; grid.y strides over the batch.
__global__ void shift_kernel(const float* waveforms, const std::int64_t* shift_samples, std::int64_t fade_samples,
                             std::int64_t batch, std::int64_t samples, float* result) {
  const std::int64_t n = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (n >= samples) return;
  for (std::int64_t b = blockIdx.y; b < batch; b += gridDim.y) {
    const std::int64_t seam = seam_of(shift_samples[b], samples);
    const float x = waveforms[b * samples + (n < seam ? n - seam + samples : n - seam)];
    const std::int64_t distance = distance_from_seam(n, seam);
    const bool faded = seam != 0 && distance < fade_samples;
    result[b * samples + n] = faded ? x * seam_fade(distance, fade_samples) : x;
  }
}

}  // namespace

const char* launch_shift(const float* waveforms, const std::int64_t* shift_samples, std::int64_t fade_samples,
                         std::int64_t batch, std::int64_t samples, float* result, void* stream) {
  if (batch == 0 || samples == 0) return nullptr;
  const dim3 grid(blocks_for(samples), rows_for(batch));
  shift_kernel<<<grid, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(waveforms, shift_samples, fade_samples, batch,
                                                                         samples, result);
  return launch_error();
}

}  // namespace singerprint
