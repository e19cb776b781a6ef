// The kernels of the pitch track, for every op that asks for it.
#pragma once
#include "core/launch.cuh"
#include "dsp/pitch_track_block.h"

namespace singerprint {
namespace {

// One block per tile of y; blockIdx.y strides over the batch.
__global__ void decimate_kernel(const float* waveforms, std::int64_t batch, std::int64_t samples, PitchTableView tables,
                                std::int64_t count, float* decimated) {
  extern __shared__ FourFloats memory[];
  const BlockThread thread{static_cast<int>(threadIdx.x), static_cast<int>(blockDim.x)};
  for (std::int64_t b = blockIdx.y; b < batch; b += gridDim.y) {
    decimate_tile(thread, waveforms + b * samples, samples, tables, std::int64_t{blockIdx.x} * kDecimateTile, count,
                  reinterpret_cast<float*>(memory), decimated + b * count);
    __syncthreads();  // before the next clip overwrites the memory
  }
}

// One block per group of adjacent frames; threadIdx.y is the frame in the group, blockIdx.y strides over the batch. A
// frame beyond the last one is computed as the last one (the barriers are the whole block's), unstored.
__global__ void __launch_bounds__(512)
    pitch_candidates_kernel(const float* decimated, std::int64_t batch, std::int64_t count, std::int64_t frames,
                            PitchTableView tables, PitchCandidate* candidates, float* peaks) {
  extern __shared__ FourFloats memory[];
  const BlockThread thread{static_cast<int>(threadIdx.x), static_cast<int>(blockDim.x)};
  const std::int64_t wanted = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  const std::int64_t frame = wanted < frames ? wanted : frames - 1;
  float* const own = reinterpret_cast<float*>(memory) + threadIdx.y * FrameLayout(tables.plan).floats();
  for (std::int64_t b = blockIdx.y; b < batch; b += gridDim.y) {
    find_frame_candidates(thread, decimated + b * count, count, frame, tables, own, wanted < frames,
                          candidates + (b * frames + frame) * kPitchCandidates, peaks + b * frames + frame);
    __syncthreads();  // before the next clip overwrites the memory
  }
}

// One warp per clip.
__global__ void __launch_bounds__(kPathThreads)
    pitch_path_kernel(PitchBuffers buffers, std::int64_t frames, PitchPlan plan, float* hz) {
  __shared__ PathMemory memory;
  const std::int64_t b = blockIdx.x;
  find_best_path({static_cast<int>(threadIdx.x), kPathThreads}, plan, frames, buffers.peaks + b * frames,
                 buffers.candidates + b * frames * kPitchCandidates,
                 buffers.predecessors + b * frames * kPitchCandidates, memory, hz + b * frames);
}

// hz (batch, frames), and y in the buffers. batch > 0. Returns nullptr or the launch's error.
inline const char* track_pitch(const float* waveforms, std::int64_t batch, std::int64_t samples,
                               const PitchTableView& tables, const PitchBuffers& buffers, float* hz,
                               cudaStream_t stream) {
  const std::int64_t count = decimated_samples(tables.plan, samples), frames = pitch_frames(tables.plan, samples);
  if (count > 0) {
    const dim3 tiles(blocks_for(count, kDecimateTile), rows_for(batch));
    const std::size_t bytes = decimate_memory_floats(tables.plan.decimation) * sizeof(float);
    decimate_kernel<<<tiles, kDecimateTile, bytes, stream>>>(waveforms, batch, samples, tables, count,
                                                             buffers.decimated);
    if (const char* const error = launch_error()) return error;
  }
  const PitchFrameBlock block = pitch_frame_block(tables.plan);
  const dim3 groups(blocks_for(frames, block.frames), rows_for(batch));
  pitch_candidates_kernel<<<groups, dim3(block.threads, block.frames), block.shared_bytes, stream>>>(
      buffers.decimated, batch, count, frames, tables, buffers.candidates, buffers.peaks);
  if (const char* const error = launch_error()) return error;
  pitch_path_kernel<<<grid_x(batch), kPathThreads, 0, stream>>>(buffers, frames, tables.plan, hz);
  return launch_error();
}

}  // namespace
}  // namespace singerprint
