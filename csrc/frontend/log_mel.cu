#include "core/launch.cuh"
#include "frontend/log_mel.h"
#include "frontend/log_mel_frame.h"

namespace singerprint {
namespace {

constexpr int kUsualSharedBytes = 48 * 1024;  // more needs an opt-in
constexpr int kMaximalFramesPerBlock = 8;     // 8 adjacent frames of a mel are one 32-byte sector of the result

// One block per group of adjacent frames; threadIdx.y is the frame in the group, threadIdx.x its threads, grid.y
// strides over the batch. A frame beyond the last one is computed as the last one (the barriers are the whole block's),
// unstored.
__global__ void log_mel_kernel(const float* waveforms, std::int64_t batch, std::int64_t samples,
                               std::int64_t hop_length, std::int64_t frames, LogMelTables tables, float log_offset,
                               float* result) {
  extern __shared__ ComplexNumber memory[];  // (frames of the group, n_fft)
  const FrameThread thread{static_cast<int>(threadIdx.x), static_cast<int>(blockDim.x)};
  const std::int64_t wanted = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  const std::int64_t frame = wanted < frames ? wanted : frames - 1;
  for (std::int64_t b = blockIdx.y; b < batch; b += gridDim.y) {
    const float* const power =
        frame_power(thread, waveforms + b * samples, samples, frame * hop_length - tables.n_fft / 2, tables,
                    memory + threadIdx.y * tables.n_fft);
    for (int m = thread.index; m < tables.filters.n_mels && wanted < frames; m += thread.count) {
      result[(b * tables.filters.n_mels + m) * frames + frame] = filter_level(power, tables.filters, m, log_offset);
    }
    __syncthreads();  // before the next clip overwrites the powers
  }
}

}  // namespace

const char* launch_log_mel(const float* waveforms, std::int64_t batch, std::int64_t samples, std::int64_t hop_length,
                           std::int64_t frames, const LogMelTables& tables, float log_offset, float* result,
                           void* stream) {
  if (batch == 0) return nullptr;
  const int frame_bytes = tables.n_fft * static_cast<int>(sizeof(ComplexNumber));
  const int fitting = kUsualSharedBytes / frame_bytes;
  const int group = fitting < 1 ? 1 : fitting > kMaximalFramesPerBlock ? kMaximalFramesPerBlock : fitting;
  // A thread for each butterfly of four, between a warp and 256: at most 768 threads a block with the groups above.
  const int butterflies = tables.n_fft / 8;
  const int threads = butterflies < 32 ? 32 : butterflies > 256 ? 256 : butterflies;
  const int bytes = group * frame_bytes;
  if (bytes > kUsualSharedBytes) {
    const cudaError_t error = cudaFuncSetAttribute(log_mel_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
    if (error != cudaSuccess) return cudaGetErrorString(error);
  }
  const dim3 grid(static_cast<unsigned>((frames + group - 1) / group), rows_for(batch));
  log_mel_kernel<<<grid, dim3(threads, group), bytes, static_cast<cudaStream_t>(stream)>>>(
      waveforms, batch, samples, hop_length, frames, tables, log_offset, result);
  return launch_error();
}

}  // namespace singerprint
