#include "augment/gain.h"
#include "augment/gaussian_noise.h"
#include "augment/noise_gain_mask.h"
#include "augment/time_mask.h"
#include "core/launch.cuh"

namespace singerprint {
namespace {

// One thread per Philox block, that is four samples; grid.y strides over the batch. The factor of a clip, a power in
// double, is computed once a block of threads, so all of them stay to the end.
__global__ void noise_gain_mask_kernel(const float* waveforms, const float* amplitude, const float* gain_db,
                                       const std::int64_t* start_samples, const std::int64_t* length_samples,
                                       const std::int64_t* seed, const std::int64_t* clip_ids,
                                       const std::int64_t* epochs, std::int64_t stream, std::int64_t batch,
                                       std::int64_t samples, float* result) {
  __shared__ float factor;
  const std::int64_t index = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const std::int64_t begin = 4 * index;
  const std::int64_t end = begin + 4 < samples ? begin + 4 : samples;
  for (std::int64_t b = blockIdx.y; b < batch; b += gridDim.y) {
    if (threadIdx.x == 0) factor = decibels_to_factor(gain_db[b]);
    __syncthreads();
    const Stretch masked = stretch_within(start_samples[b], length_samples[b], samples);
    const bool noisy = amplitude[b] != 0.0f && !(begin >= masked.begin && end <= masked.end);
    NormalBlock normals = {};
    if (noisy && begin < end) {
      normals = normal_block(draw_stream(*seed, clip_ids[b], epochs[b], stream, DrawKind::kPerSample),
                             static_cast<std::uint32_t>(index));
    }
    for (std::int64_t n = begin; n < end; ++n) {
      const float x = waveforms[b * samples + n];
      const float heard = factor * (noisy ? fma(amplitude[b], normals.value[n - begin], x) : x);
      result[b * samples + n] = n >= masked.begin && n < masked.end ? 0.0f : heard;
    }
    __syncthreads();  // the next clip's factor takes this one's place
  }
}

}  // namespace

const char* launch_noise_gain_mask(const float* waveforms, const float* amplitude, const float* gain_db,
                                   const std::int64_t* start_samples, const std::int64_t* length_samples,
                                   const std::int64_t* seed, const std::int64_t* clip_ids, const std::int64_t* epochs,
                                   std::int64_t stream, std::int64_t batch, std::int64_t samples, float* result,
                                   void* cuda_stream) {
  if (batch == 0 || samples == 0) return nullptr;
  const dim3 grid(blocks_for((samples + 3) / 4), rows_for(batch));
  noise_gain_mask_kernel<<<grid, kThreads, 0, static_cast<cudaStream_t>(cuda_stream)>>>(
      waveforms, amplitude, gain_db, start_samples, length_samples, seed, clip_ids, epochs, stream, batch, samples,
      result);
  return launch_error();
}

}  // namespace singerprint
