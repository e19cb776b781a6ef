#include "augment/draw_uniform.h"

#include "core/cuda.h"
#include "core/draw_key.h"
#include "core/precompiled.h"

namespace singerprint {
namespace {

constexpr std::int64_t kClipsPerTask = 1024;  // a row is a few numbers: fewer would not pay for a thread

at::Tensor draw_uniform_meta(const at::Tensor& seed, const at::Tensor& clip_ids, const at::Tensor& epochs,
                             std::int64_t stream, std::int64_t count) {
  check_draw_key("draw_uniform", seed, clip_ids, epochs, stream);
  TORCH_CHECK_VALUE(count >= 0 && count <= kMaxUniforms, "draw_uniform: count must be in [0, ", kMaxUniforms, "], got ",
                    count);
  return at::empty_symint({clip_ids.sym_size(0), count}, clip_ids.options().dtype(at::kFloat));
}

at::Tensor draw_uniform_cpu(const at::Tensor& seed, const at::Tensor& clip_ids, const at::Tensor& epochs,
                            std::int64_t stream, std::int64_t count) {
  at::Tensor result = draw_uniform_meta(seed, clip_ids, epochs, stream, count);
  const at::Tensor clips = clip_ids.contiguous();
  const at::Tensor epochs_row = epochs.contiguous();
  check_counter_words("draw_uniform", "clip_ids", clips);
  check_counter_words("draw_uniform", "epochs", epochs_row);
  const std::int64_t* const clip_id = clips.const_data_ptr<std::int64_t>();
  const std::int64_t* const epoch = epochs_row.const_data_ptr<std::int64_t>();
  const std::int64_t seed_value = *seed.const_data_ptr<std::int64_t>();
  float* const to = result.mutable_data_ptr<float>();
  at::parallel_for(0, clips.size(0), kClipsPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      const DrawStream draws = draw_stream(seed_value, clip_id[b], epoch[b], stream, DrawKind::kParameters);
      for (std::int64_t index = 0; 4 * index < count; ++index) write_uniforms(draws, index, count, to + b * count);
    }
  });
  return result;
}

[[maybe_unused]] at::Tensor draw_uniform_cuda(const at::Tensor& seed, const at::Tensor& clip_ids,
                                              const at::Tensor& epochs, std::int64_t stream, std::int64_t count) {
  at::Tensor result = draw_uniform_meta(seed, clip_ids, epochs, stream, count);
  const c10::DeviceGuard guard(clip_ids.device());
  check_launch(
      "draw_uniform",
      launch_draw_uniform(seed.const_data_ptr<std::int64_t>(), clip_ids.contiguous().const_data_ptr<std::int64_t>(),
                          epochs.contiguous().const_data_ptr<std::int64_t>(), stream, clip_ids.size(0), count,
                          result.mutable_data_ptr<float>(), current_stream(clip_ids)));
  return result;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("draw_uniform(Tensor seed, Tensor clip_ids, Tensor epochs, int stream, int count) -> Tensor");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) { library.impl("draw_uniform", &draw_uniform_meta); }
TORCH_LIBRARY_IMPL(singerprint, CPU, library) { library.impl("draw_uniform", &draw_uniform_cpu); }
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("draw_uniform", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(draw_uniform)

}  // namespace singerprint
