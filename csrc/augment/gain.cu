#include "augment/gain.h"
#include "core/launch.cuh"

namespace singerprint {
namespace {

// One thread per sample; grid.y strides over the batch.
__global__ void gain_kernel(const float* waveforms, const float* gain_db, std::int64_t batch, std::int64_t samples,
                            float* result) {
  const std::int64_t n = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (n >= samples) return;
  for (std::int64_t b = blockIdx.y; b < batch; b += gridDim.y) {
    result[b * samples + n] = decibels_to_factor(gain_db[b]) * waveforms[b * samples + n];
  }
}

}  // namespace

const char* launch_gain(const float* waveforms, const float* gain_db, std::int64_t batch, std::int64_t samples,
                        float* result, void* stream) {
  if (batch == 0 || samples == 0) return nullptr;
  const dim3 grid(blocks_for(samples), rows_for(batch));
  gain_kernel<<<grid, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(waveforms, gain_db, batch, samples, result);
  return launch_error();
}

}  // namespace singerprint
