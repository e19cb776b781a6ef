#include "augment/time_stretch.h"

#include "core/launch.cuh"
#include "dsp/time_stretch_block.h"
#include "dsp/voice.cuh"

namespace singerprint {
namespace {

constexpr int kRenderThreads = kRenderTile;

// One block per clip.
__global__ void __launch_bounds__(kVoiceThreads)
    find_segments_kernel(const float* rates, std::int64_t first_clip, StretchBuffers buffers) {
  __shared__ std::int64_t parts[kVoiceThreads];
  const StretchBuffers clip = of_clip(buffers, blockIdx.x);
  const StretchState state = stretch_state(rates[first_clip + blockIdx.x], buffers.sizes);
  if (threadIdx.x == 0) *clip.states = state;
  find_segments(this_thread(), state.rate != 1.0, clip.voice, parts);
}

// One block per segment; blockIdx.y is the clip.
__global__ void __launch_bounds__(kVoiceThreads) place_grains_kernel(StretchBuffers buffers) {
  __shared__ double parts[kVoiceThreads];
  const StretchBuffers clip = of_clip(buffers, blockIdx.y);
  if (blockIdx.x < clip.voice.states->segments) place_stretched_grains(this_thread(), clip, blockIdx.x, parts);
}

// One thread per clip.
__global__ void plan_kernel(PitchPlan plan, std::int64_t clips, StretchBuffers buffers) {
  const std::int64_t b = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (b < clips) plan_stretch(plan, of_clip(buffers, b));
}

// One thread per stretch of `energy_length` samples; blockIdx.y is the clip.
__global__ void energies_kernel(const float* waveforms, StretchBuffers buffers) {
  const std::int64_t block = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const StretchBuffers clip = of_clip(buffers, blockIdx.y);
  const std::int64_t samples = clip.sizes.voice.samples;
  if (block >= clip.sizes.energies || clip.states->rate == 1.0) return;
  clip.energies[block] = energy_of_block(waveforms + blockIdx.y * samples, samples, clip.sizes.energy_length, block);
}

// One block per splice; blockIdx.y is the clip.
__global__ void __launch_bounds__(kSpliceThreads)
    place_splices_kernel(const float* waveforms, PitchPlan plan, const float* sinc, StretchBuffers buffers) {
  __shared__ SpliceMemory memory;
  const StretchBuffers clip = of_clip(buffers, blockIdx.y);
  if (blockIdx.x >= clip.states->splices) return;
  place_splice(this_thread(), plan, clip, waveforms + blockIdx.y * clip.sizes.voice.samples, sinc, blockIdx.x, memory);
}

// One block per tile of the result, one thread per sample; blockIdx.y is the clip.
__global__ void __launch_bounds__(kRenderThreads)
    render_kernel(const float* waveforms, PitchPlan plan, const float* sinc, StretchBuffers buffers, float* result) {
  const StretchBuffers clip = of_clip(buffers, blockIdx.y);
  const std::int64_t begin = std::int64_t{blockIdx.x} * kRenderTile, n = begin + threadIdx.x;
  if (n >= clip.sizes.result_samples) return;
  result[blockIdx.y * clip.sizes.result_samples + n] =
      stretched_sample(plan, clip, waveforms + blockIdx.y * clip.sizes.voice.samples, sinc, begin, n);
}

// All that the samples of `clips` results are gathered from.
const char* plan_clips(const float* waveforms, std::int64_t clips, const PitchTableView& tables, const float* sinc,
                       const float* rates, std::int64_t first_clip, const StretchBuffers& buffers,
                       cudaStream_t stream) {
  const StretchSizes& sizes = buffers.sizes;
  const ShiftBuffers& voice = buffers.voice;
  const char* error = track_pitch(waveforms, clips, sizes.voice.samples, tables, voice.pitch, voice.hz, stream);
  if (error != nullptr) return error;
  find_segments_kernel<<<rows_for(clips), kVoiceThreads, 0, stream>>>(rates, first_clip, buffers);
  if ((error = launch_error()) != nullptr) return error;
  if ((error = place_voice_marks(clips, tables.plan, voice, stream)) != nullptr) return error;
  const dim3 segments(grid_x(sizes.voice.segments), rows_for(clips));
  place_grains_kernel<<<segments, kVoiceThreads, 0, stream>>>(buffers);
  if ((error = launch_error()) != nullptr) return error;
  plan_kernel<<<blocks_for(clips, kVoiceThreads), kVoiceThreads, 0, stream>>>(tables.plan, clips, buffers);
  if ((error = launch_error()) != nullptr) return error;
  const dim3 energies(blocks_for(sizes.energies), rows_for(clips)), splices(grid_x(sizes.splices), rows_for(clips));
  energies_kernel<<<energies, kThreads, 0, stream>>>(waveforms, buffers);
  if ((error = launch_error()) != nullptr) return error;
  place_splices_kernel<<<splices, kSpliceThreads, 0, stream>>>(waveforms, tables.plan, sinc, buffers);
  return launch_error();
}

}  // namespace

const char* launch_time_stretch(const float* waveforms, std::int64_t batch, const PitchTableView& tables,
                                const float* sinc, const float* rates, std::int64_t chunk,
                                const StretchBuffers& buffers, float* result, void* stream) {
  const auto cuda_stream = static_cast<cudaStream_t>(stream);
  const std::int64_t samples = buffers.sizes.voice.samples, result_samples = buffers.sizes.result_samples;
  for (std::int64_t first = 0; first < batch; first += chunk) {
    const std::int64_t clips = batch - first < chunk ? batch - first : chunk;
    const float* const from = waveforms + first * samples;
    const char* error = plan_clips(from, clips, tables, sinc, rates, first, buffers, cuda_stream);
    if (error != nullptr) return error;
    const dim3 tiles(blocks_for(result_samples, kRenderTile), rows_for(clips));
    render_kernel<<<tiles, kRenderThreads, 0, cuda_stream>>>(from, tables.plan, sinc, buffers,
                                                             result + first * result_samples);
    if ((error = launch_error()) != nullptr) return error;
  }
  return nullptr;
}

}  // namespace singerprint
