#include "augment/draw_uniform.h"
#include "core/launch.cuh"

namespace singerprint {
namespace {

// One thread per Philox block, that is four numbers; grid.y strides over the batch.
__global__ void draw_uniform_kernel(const std::int64_t* seed, const std::int64_t* clip_ids, const std::int64_t* epochs,
                                    std::int64_t stream, std::int64_t batch, std::int64_t count, float* result) {
  const std::int64_t index = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (4 * index >= count) return;
  for (std::int64_t b = blockIdx.y; b < batch; b += gridDim.y) {
    const DrawStream draws = draw_stream(*seed, clip_ids[b], epochs[b], stream, DrawKind::kParameters);
    write_uniforms(draws, index, count, result + b * count);
  }
}

}  // namespace

const char* launch_draw_uniform(const std::int64_t* seed, const std::int64_t* clip_ids, const std::int64_t* epochs,
                                std::int64_t stream, std::int64_t batch, std::int64_t count, float* result,
                                void* cuda_stream) {
  if (batch == 0 || count == 0) return nullptr;
  const dim3 grid(blocks_for((count + 3) / 4), rows_for(batch));
  draw_uniform_kernel<<<grid, kThreads, 0, static_cast<cudaStream_t>(cuda_stream)>>>(seed, clip_ids, epochs, stream,
                                                                                     batch, count, result);
  return launch_error();
}

}  // namespace singerprint
