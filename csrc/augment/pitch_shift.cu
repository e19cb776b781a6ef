#include "augment/pitch_shift.h"

#include "core/launch.cuh"
#include "dsp/harmonic_block.h"
#include "dsp/psola_block.h"
#include "dsp/voice.cuh"

namespace singerprint {
namespace {

constexpr int kRenderThreads = kRenderTile;

// One block per clip.
__global__ void __launch_bounds__(kVoiceThreads)
    find_segments_kernel(ShiftRatios ratios, std::int64_t first_clip, ShiftBuffers buffers) {
  __shared__ std::int64_t parts[kVoiceThreads];
  const std::int64_t b = blockIdx.x, clip = first_clip + b;
  const ShiftBuffers own = of_clip(buffers, b);
  const PitchChange change = change_within_range(ratios.pitch[clip], ratios.range[clip], ratios.formant[clip]);
  if (threadIdx.x == 0) own.states->change = change;
  find_segments(this_thread(), !is_identity(change), own, parts);
}

// One block per clip.
__global__ void __launch_bounds__(kVoiceThreads) sinc_table_kernel(ShiftBuffers buffers) {
  write_sinc_table(this_thread(), of_clip(buffers, blockIdx.x));
}

// One block per segment; blockIdx.y is the clip.
__global__ void __launch_bounds__(kVoiceThreads)
    place_grains_kernel(PitchPlan plan, PitchShiftStyle style, ShiftBuffers buffers) {
  __shared__ LockMemory memory;
  __shared__ std::int64_t kept[kVoiceThreads];
  __shared__ SegmentReach parts[kVoiceThreads];
  const ShiftBuffers clip = of_clip(buffers, blockIdx.y);
  if (blockIdx.x >= clip.states->segments) return;
  place_grains(this_thread(), plan, clip, blockIdx.x, memory, kept);
  find_reach(this_thread(), plan, style, clip, blockIdx.x, parts);
}

// One block per interval; blockIdx.y counts the clips from first_clip on, of the buffers and of the waveforms.
__global__ void __launch_bounds__(kLineThreads) analyse_interval_kernel(const float* waveforms, std::int64_t first_clip,
                                                                        PitchShiftStyle style, ShiftBuffers buffers) {
  extern __shared__ LineSums sums[];
  const std::int64_t b = first_clip + blockIdx.y, m = blockIdx.x;
  const ShiftBuffers clip = of_clip(buffers, b);
  const VoicedSegment* const segment = remapped_segment(clip, style, m);
  if (segment == nullptr || m == segment->last_knot) return;
  analyse_interval(this_thread(), clip, *segment, waveforms + b * clip.sizes.samples, m, sums);
}

// One block per knot; blockIdx.y as above.
__global__ void __launch_bounds__(kLineThreads)
    remap_knot_kernel(std::int64_t first_clip, PitchShiftStyle style, ShiftBuffers buffers) {
  extern __shared__ FourFloats memory[];
  const ShiftBuffers clip = of_clip(buffers, first_clip + blockIdx.y);
  const VoicedSegment* const segment = remapped_segment(clip, style, blockIdx.x);
  if (segment != nullptr) remap_knot(this_thread(), clip, *segment, blockIdx.x, reinterpret_cast<float*>(memory));
}

// One block per interval; blockIdx.y as above.
__global__ void __launch_bounds__(kLineThreads)
    synthesise_interval_kernel(std::int64_t first_clip, PitchShiftStyle style, ShiftBuffers buffers, float* result) {
  extern __shared__ FourFloats memory[];
  const std::int64_t b = first_clip + blockIdx.y, m = blockIdx.x;
  const ShiftBuffers clip = of_clip(buffers, b);
  const VoicedSegment* const segment = remapped_segment(clip, style, m);
  if (segment == nullptr || m == segment->last_knot) return;
  synthesise_interval(this_thread(), clip, *segment, m, memory, result + b * clip.sizes.samples);
}

// One block per tile of samples, one thread per sample; blockIdx.y is the clip. A sample of `result` may hold what the
// remap adds to it: it is read and overwritten by the same thread.
__global__ void __launch_bounds__(kRenderThreads)
    render_kernel(const float* waveforms, PitchPlan plan, PitchShiftStyle style, ShiftBuffers buffers, float* result) {
  const ShiftBuffers clip = of_clip(buffers, blockIdx.y);
  const std::int64_t begin = std::int64_t{blockIdx.x} * kRenderTile, n = begin + threadIdx.x;
  if (n >= clip.sizes.samples) return;
  float* const to = result + blockIdx.y * clip.sizes.samples + n;
  *to = shifted_sample(plan, style, clip, waveforms + blockIdx.y * clip.sizes.samples, begin, n, to);
}

// The analysis of `clips` clips, up to their grains.
const char* find_voices(const float* waveforms, std::int64_t clips, const PitchTableView& tables,
                        const PitchShiftStyle& style, const ShiftRatios& ratios, std::int64_t first_clip,
                        const ShiftBuffers& buffers, cudaStream_t stream) {
  const ShiftSizes& sizes = buffers.sizes;
  const char* error = track_pitch(waveforms, clips, sizes.samples, tables, buffers.pitch, buffers.hz, stream);
  if (error != nullptr) return error;
  find_segments_kernel<<<rows_for(clips), kVoiceThreads, 0, stream>>>(ratios, first_clip, buffers);
  if ((error = launch_error()) != nullptr) return error;
  sinc_table_kernel<<<rows_for(clips), kVoiceThreads, 0, stream>>>(buffers);
  if ((error = launch_error()) != nullptr) return error;
  if ((error = place_voice_marks(clips, tables.plan, buffers, stream)) != nullptr) return error;
  const dim3 segments(grid_x(sizes.segments), rows_for(clips));
  place_grains_kernel<<<segments, kVoiceThreads, 0, stream>>>(tables.plan, style, buffers);
  return launch_error();
}

// What the remap adds to the waveforms, to result.
const char* remap_harmonics(const float* waveforms, std::int64_t clips, const PitchShiftStyle& style,
                            const ShiftBuffers& buffers, float* result, cudaStream_t stream) {
  const ShiftSizes& sizes = buffers.sizes;
  const int line_bytes = static_cast<int>(sizes.lines_a_knot * sizeof(FourFloats));
  for (std::int64_t first = 0; buffers.line_clips > 0 && first < clips; first += buffers.line_clips) {
    const std::int64_t count = clips - first < buffers.line_clips ? clips - first : buffers.line_clips;
    const dim3 knots(grid_x(sizes.knots), rows_for(count));
    analyse_interval_kernel<<<knots, kLineThreads, analysis_memory_bytes(sizes.spacing), stream>>>(waveforms, first,
                                                                                                   style, buffers);
    if (const char* const error = launch_error()) return error;
    remap_knot_kernel<<<knots, kLineThreads, line_bytes / 2, stream>>>(first, style, buffers);
    if (const char* const error = launch_error()) return error;
    synthesise_interval_kernel<<<knots, kLineThreads, line_bytes, stream>>>(first, style, buffers, result);
    if (const char* const error = launch_error()) return error;
  }
  return nullptr;
}

}  // namespace

const char* launch_pitch_shift(const float* waveforms, std::int64_t batch, const PitchTableView& tables,
                               const PitchShiftStyle& style, const ShiftRatios& ratios, std::int64_t chunk,
                               const ShiftBuffers& buffers, float* result, void* stream) {
  const auto cuda_stream = static_cast<cudaStream_t>(stream);
  const std::int64_t samples = buffers.sizes.samples;
  if (samples == 0) return nullptr;
  for (std::int64_t first = 0; first < batch; first += chunk) {
    const std::int64_t clips = batch - first < chunk ? batch - first : chunk;
    const float* const from = waveforms + first * samples;
    float* const to = result + first * samples;
    const char* error = find_voices(from, clips, tables, style, ratios, first, buffers, cuda_stream);
    if (error == nullptr) error = remap_harmonics(from, clips, style, buffers, to, cuda_stream);
    if (error != nullptr) return error;
    const dim3 tiles(blocks_for(samples, kRenderTile), rows_for(clips));
    render_kernel<<<tiles, kRenderThreads, 0, cuda_stream>>>(from, tables.plan, style, buffers, to);
    if ((error = launch_error()) != nullptr) return error;
  }
  return nullptr;
}

}  // namespace singerprint
