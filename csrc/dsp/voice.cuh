// The kernels that lock a voice's phase and place its marks, for the ops that render voices. A clip's segments have
// been found (find_segments, dsp/voice_block.h).
#pragma once
#include "core/launch.cuh"
#include "dsp/pitch_track.cuh"
#include "dsp/voice_block.h"
#include "dsp/voice_lock_block.h"

namespace singerprint {
namespace {

constexpr int kMeasureThreads = 64;

__device__ BlockThread this_thread() { return {static_cast<int>(threadIdx.x), static_cast<int>(blockDim.x)}; }

// One block per segment; blockIdx.y is the clip. So is the next but one.
__global__ void __launch_bounds__(kVoiceThreads) integrate_segment_kernel(PitchPlan plan, ShiftBuffers buffers) {
  __shared__ double tile[kWalkTile];
  __shared__ std::int64_t parts[kVoiceThreads];
  const ShiftBuffers clip = of_clip(buffers, blockIdx.y);
  if (blockIdx.x < clip.states->segments) integrate_segment(this_thread(), plan, clip, blockIdx.x, tile, parts);
}

// One block per knot; blockIdx.y is the clip.
__global__ void __launch_bounds__(kMeasureThreads) measure_knot_kernel(PitchPlan plan, ShiftBuffers buffers) {
  __shared__ float parts[kMeasureThreads * kKnotSums];
  const ShiftBuffers clip = of_clip(buffers, blockIdx.y);
  if (clip.segment_of[blockIdx.x] >= 0) measure_knot(this_thread(), plan, clip, blockIdx.x, parts);
}

__global__ void __launch_bounds__(kVoiceThreads) lock_segment_kernel(PitchPlan plan, ShiftBuffers buffers) {
  __shared__ LockMemory memory;
  const ShiftBuffers clip = of_clip(buffers, blockIdx.y);
  if (blockIdx.x >= clip.states->segments) return;
  lock_segment(this_thread(), plan, clip, blockIdx.x, memory);
  place_marks(this_thread(), clip, clip.segments[blockIdx.x]);
}

// The marks of `clips` clips whose segments are there. Returns nullptr or the launch's error.
inline const char* place_voice_marks(std::int64_t clips, const PitchPlan& plan, const ShiftBuffers& buffers,
                                     cudaStream_t stream) {
  const dim3 segments(grid_x(buffers.sizes.segments), rows_for(clips)),
      knots(grid_x(buffers.sizes.knots), rows_for(clips));
  integrate_segment_kernel<<<segments, kVoiceThreads, 0, stream>>>(plan, buffers);
  if (const char* const error = launch_error()) return error;
  measure_knot_kernel<<<knots, kMeasureThreads, 0, stream>>>(plan, buffers);
  if (const char* const error = launch_error()) return error;
  lock_segment_kernel<<<segments, kVoiceThreads, 0, stream>>>(plan, buffers);
  return launch_error();
}

}  // namespace
}  // namespace singerprint
