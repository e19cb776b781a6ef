#include "core/launch.cuh"
#include "frontend/resample.h"

namespace singerprint {
namespace {

// One thread per output; grid.y strides over the batch. The rows are transposed, so that the threads of a warp, whose
// outputs are neighbours, read neighbouring weights.
template <class Number>
__global__ void resample_kernel_of(ResampleRows<Number> rows, const Number* waveforms, std::int64_t batch,
                                   std::int64_t samples, std::int64_t outputs, Number* result) {
  const std::int64_t m = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (m >= outputs) return;
  for (std::int64_t b = blockIdx.y; b < batch; b += gridDim.y) {
    result[b * outputs + m] = resample_sample(rows, waveforms + b * samples, samples, m);
  }
}

template <class Number>
const char* launch(const ResampleRows<Number>& rows, const Number* waveforms, std::int64_t batch, std::int64_t samples,
                   std::int64_t outputs, Number* result, void* stream) {
  if (batch == 0 || outputs == 0) return nullptr;
  const dim3 grid(blocks_for(outputs), rows_for(batch));
  resample_kernel_of<<<grid, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(rows, waveforms, batch, samples, outputs,
                                                                               result);
  return launch_error();
}

}  // namespace

const char* launch_resample(const ResampleRows<float>& rows, const float* waveforms, std::int64_t batch,
                            std::int64_t samples, std::int64_t outputs, float* result, void* stream) {
  return launch(rows, waveforms, batch, samples, outputs, result, stream);
}
const char* launch_resample(const ResampleRows<double>& rows, const double* waveforms, std::int64_t batch,
                            std::int64_t samples, std::int64_t outputs, double* result, void* stream) {
  return launch(rows, waveforms, batch, samples, outputs, result, stream);
}

}  // namespace singerprint
