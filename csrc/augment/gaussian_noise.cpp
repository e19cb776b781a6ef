#include "augment/gaussian_noise.h"

#include "core/cuda.h"
#include "core/draw_key.h"
#include "core/parts.h"
#include "core/precompiled.h"

namespace singerprint {
namespace {

// Samples that one task computes: few enough to share one clip among the threads, a multiple of every kNormals.
constexpr std::int64_t kChunk = 1 << 15;

at::Tensor gaussian_noise_meta(const at::Tensor& waveforms, const at::Tensor& amplitude, const at::Tensor& seed,
                               const at::Tensor& clip_ids, const at::Tensor& epochs, std::int64_t stream) {
  check_waveforms("gaussian_noise", waveforms);
  TORCH_CHECK_VALUE(waveforms.sym_size(1) <= kMaxNoiseSamples, "gaussian_noise: waveforms must have at most ",
                    kMaxNoiseSamples, " samples, got ", waveforms.sym_size(1));
  check_per_clip("gaussian_noise", "amplitude", amplitude, at::kFloat, waveforms);
  check_per_clip("gaussian_noise", "clip_ids", clip_ids, at::kLong, waveforms);
  check_draw_key("gaussian_noise", seed, clip_ids, epochs, stream);
  return at::empty_symint(waveforms.sym_sizes(), waveforms.options());
}

at::Tensor gaussian_noise_cpu(const at::Tensor& waveforms, const at::Tensor& amplitude, const at::Tensor& seed,
                              const at::Tensor& clip_ids, const at::Tensor& epochs, std::int64_t stream) {
  at::Tensor result = gaussian_noise_meta(waveforms, amplitude, seed, clip_ids, epochs, stream);
  const at::Tensor source = waveforms.contiguous();
  const at::Tensor amplitudes = amplitude.contiguous();
  const at::Tensor clips = clip_ids.contiguous();
  const at::Tensor epochs_row = epochs.contiguous();
  check_counter_words("gaussian_noise", "clip_ids", clips);
  check_counter_words("gaussian_noise", "epochs", epochs_row);
  const std::int64_t samples = waveforms.size(1);
  const std::int64_t chunks = parts_of(samples, kChunk);
  const auto lanes = SINGERPRINT_LANES(gaussian_noise_lanes);
  const float* const from = source.const_data_ptr<float>();
  const float* const level = amplitudes.const_data_ptr<float>();
  const std::int64_t* const clip_id = clips.const_data_ptr<std::int64_t>();
  const std::int64_t* const epoch = epochs_row.const_data_ptr<std::int64_t>();
  const std::int64_t seed_value = *seed.const_data_ptr<std::int64_t>();
  float* const to = result.mutable_data_ptr<float>();
  at::parallel_for(0, waveforms.size(0) * chunks, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t task = first; task < last; ++task) {
      const std::int64_t b = task / chunks;
      const std::int64_t begin = task % chunks * kChunk;
      const DrawStream draws = draw_stream(seed_value, clip_id[b], epoch[b], stream, DrawKind::kPerSample);
      lanes(from + b * samples, level[b], draws, begin, begin + kChunk < samples ? begin + kChunk : samples,
            to + b * samples);
    }
  });
  return result;
}

[[maybe_unused]] at::Tensor gaussian_noise_cuda(const at::Tensor& waveforms, const at::Tensor& amplitude,
                                                const at::Tensor& seed, const at::Tensor& clip_ids,
                                                const at::Tensor& epochs, std::int64_t stream) {
  at::Tensor result = gaussian_noise_meta(waveforms, amplitude, seed, clip_ids, epochs, stream);
  const c10::DeviceGuard guard(waveforms.device());
  check_launch("gaussian_noise",
               launch_gaussian_noise(
                   waveforms.contiguous().const_data_ptr<float>(), amplitude.contiguous().const_data_ptr<float>(),
                   seed.const_data_ptr<std::int64_t>(), clip_ids.contiguous().const_data_ptr<std::int64_t>(),
                   epochs.contiguous().const_data_ptr<std::int64_t>(), stream, waveforms.size(0), waveforms.size(1),
                   result.mutable_data_ptr<float>(), current_stream(waveforms)));
  return result;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def(
      "gaussian_noise(Tensor waveforms, Tensor amplitude, Tensor seed, Tensor clip_ids, Tensor epochs, int stream) -> "
      "Tensor");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) { library.impl("gaussian_noise", &gaussian_noise_meta); }
TORCH_LIBRARY_IMPL(singerprint, CPU, library) { library.impl("gaussian_noise", &gaussian_noise_cpu); }
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("gaussian_noise", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(gaussian_noise)

}  // namespace singerprint
