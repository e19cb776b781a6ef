#include "augment/gaussian_noise.h"
#include "core/launch.cuh"

namespace singerprint {
namespace {

// One thread per Philox block, that is four samples; grid.y strides over the batch.
__global__ void gaussian_noise_kernel(const float* waveforms, const float* amplitude, const std::int64_t* seed,
                                      const std::int64_t* clip_ids, const std::int64_t* epochs, std::int64_t stream,
                                      std::int64_t batch, std::int64_t samples, float* result) {
  const std::int64_t index = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const std::int64_t begin = 4 * index;
  if (begin >= samples) return;
  const std::int64_t end = begin + 4 < samples ? begin + 4 : samples;
  for (std::int64_t b = blockIdx.y; b < batch; b += gridDim.y) {
    const float* const from = waveforms + b * samples;
    float* const to = result + b * samples;
    if (amplitude[b] == 0.0f) {
      for (std::int64_t n = begin; n < end; ++n) to[n] = from[n];
      continue;
    }
    const DrawStream draws = draw_stream(*seed, clip_ids[b], epochs[b], stream, DrawKind::kPerSample);
    const NormalBlock normals = normal_block(draws, static_cast<std::uint32_t>(index));
    for (std::int64_t n = begin; n < end; ++n) to[n] = fma(amplitude[b], normals.value[n - begin], from[n]);
  }
}

}  // namespace

const char* launch_gaussian_noise(const float* waveforms, const float* amplitude, const std::int64_t* seed,
                                  const std::int64_t* clip_ids, const std::int64_t* epochs, std::int64_t stream,
                                  std::int64_t batch, std::int64_t samples, float* result, void* cuda_stream) {
  if (batch == 0 || samples == 0) return nullptr;
  const dim3 grid(blocks_for((samples + 3) / 4), rows_for(batch));
  gaussian_noise_kernel<<<grid, kThreads, 0, static_cast<cudaStream_t>(cuda_stream)>>>(
      waveforms, amplitude, seed, clip_ids, epochs, stream, batch, samples, result);
  return launch_error();
}

}  // namespace singerprint
