#include "core/launch.cuh"
#include "frontend/log_mel.h"
#include "frontend/log_mel_frame.h"

namespace singerprint {
namespace {

// One block per group of adjacent frames; threadIdx.y is the frame in the group, threadIdx.x its threads, grid.y
// strides over the batch. A frame beyond the last one is computed as the last one (the barriers are the whole block's),
// unstored. The launch bound: with more than 80 registers a thread, the largest blocks could not be launched.
__global__ void __launch_bounds__(kMaximalThreads)
    log_mel_kernel(const float* waveforms, std::int64_t batch, std::int64_t samples, std::int64_t hop_length,
                   std::int64_t frames, LogMelTables tables, float* result) {
  extern __shared__ ComplexNumber memory[];  // (frames of the group, n_fft)
  const BlockThread thread{static_cast<int>(threadIdx.x), static_cast<int>(blockDim.x)};
  const std::int64_t wanted = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  const std::int64_t frame = wanted < frames ? wanted : frames - 1;
  for (std::int64_t b = blockIdx.y; b < batch; b += gridDim.y) {
    const float* const power = frame_power(thread, waveforms + b * samples, samples, frame * hop_length - tables.before,
                                           tables, memory + threadIdx.y * tables.n_fft);
    for (int m = thread.index; m < tables.filters.n_mels && wanted < frames; m += thread.count) {
      result[(b * tables.filters.n_mels + m) * frames + frame] = filter_level(power, tables, m);
    }
    __syncthreads();  // before the next clip overwrites the powers
  }
}

}  // namespace

const char* launch_log_mel(const float* waveforms, std::int64_t batch, std::int64_t samples, std::int64_t hop_length,
                           std::int64_t frames, const LogMelTables& tables, float* result, void* stream) {
  if (batch == 0) return nullptr;
  const FrameBlock block = frame_block(tables.n_fft);
  if (block.shared_bytes > kUsualSharedBytes) {
    const cudaError_t error =
        cudaFuncSetAttribute(log_mel_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, block.shared_bytes);
    if (error != cudaSuccess) return cudaGetErrorString(error);
  }
  const dim3 grid(blocks_for(frames, block.frames), rows_for(batch));
  log_mel_kernel<<<grid, dim3(block.threads, block.frames), block.shared_bytes, static_cast<cudaStream_t>(stream)>>>(
      waveforms, batch, samples, hop_length, frames, tables, result);
  return launch_error();
}

}  // namespace singerprint
