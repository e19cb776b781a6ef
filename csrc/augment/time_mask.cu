#include "augment/time_mask.h"
#include "core/launch.cuh"

namespace singerprint {
namespace {

// One thread per sample; grid.y strides over the batch.
__global__ void time_mask_kernel(const float* waveforms, const std::int64_t* start_samples,
                                 const std::int64_t* length_samples, std::int64_t batch, std::int64_t samples,
                                 float* result) {
  const std::int64_t n = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (n >= samples) return;
  for (std::int64_t b = blockIdx.y; b < batch; b += gridDim.y) {
    const Stretch masked = stretch_within(start_samples[b], length_samples[b], samples);
    result[b * samples + n] = n >= masked.begin && n < masked.end ? 0.0f : waveforms[b * samples + n];
  }
}

}  // namespace

const char* launch_time_mask(const float* waveforms, const std::int64_t* start_samples,
                             const std::int64_t* length_samples, std::int64_t batch, std::int64_t samples,
                             float* result, void* stream) {
  if (batch == 0 || samples == 0) return nullptr;
  const dim3 grid(blocks_for(samples), rows_for(batch));
  time_mask_kernel<<<grid, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(waveforms, start_samples, length_samples,
                                                                             batch, samples, result);
  return launch_error();
}

}  // namespace singerprint
