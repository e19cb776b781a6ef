#include "augment/noise_gain_mask.h"

#include <cstring>

#include "augment/gain.h"
#include "augment/gaussian_noise.h"
#include "augment/time_mask.h"
#include "core/cuda.h"
#include "core/draw_key.h"
#include "core/parts.h"
#include "core/precompiled.h"

namespace singerprint {
namespace {

// 16 KB: noise, gain and mask find the samples in the first level of cache. A multiple of every kNormals.
constexpr std::int64_t kBlock = 1 << 12;
// Samples that one task computes: few enough to share one clip among the threads.
constexpr std::int64_t kChunk = 8 * kBlock;

struct ClipParameters {
  float amplitude, factor;
  Stretch masked;
  DrawStream draws;
};

at::Tensor noise_gain_mask_meta(const at::Tensor& waveforms, const at::Tensor& amplitude, const at::Tensor& gain_db,
                                const at::Tensor& start_samples, const at::Tensor& length_samples,
                                const at::Tensor& seed, const at::Tensor& clip_ids, const at::Tensor& epochs,
                                std::int64_t stream) {
  check_waveforms("noise_gain_mask", waveforms);
  TORCH_CHECK_VALUE(waveforms.sym_size(1) <= kMaxNoiseSamples, "noise_gain_mask: waveforms must have at most ",
                    kMaxNoiseSamples, " samples, got ", waveforms.sym_size(1));
  check_per_clip("noise_gain_mask", "amplitude", amplitude, at::kFloat, waveforms);
  check_per_clip("noise_gain_mask", "gain_db", gain_db, at::kFloat, waveforms);
  check_per_clip("noise_gain_mask", "start_samples", start_samples, at::kLong, waveforms);
  check_per_clip("noise_gain_mask", "length_samples", length_samples, at::kLong, waveforms);
  check_per_clip("noise_gain_mask", "clip_ids", clip_ids, at::kLong, waveforms);
  check_draw_key("noise_gain_mask", seed, clip_ids, epochs, stream);
  return at::empty_symint(waveforms.sym_sizes(), waveforms.options());
}

// Samples [begin, end) of one waveform; begin is a multiple of kBlock.
void augment_part(const float* waveform, const ClipParameters& clip, std::int64_t begin, std::int64_t end,
                  float* result) {
  const auto add_noise = SINGERPRINT_LANES(gaussian_noise_lanes);
  const auto scale = SINGERPRINT_LANES(gain_lanes);
  for (std::int64_t block = begin; block < end; block += kBlock) {
    const std::int64_t block_end = block + kBlock < end ? block + kBlock : end;
    const std::int64_t mask_begin = clip.masked.begin > block ? clip.masked.begin : block;
    const std::int64_t mask_end = clip.masked.end < block_end ? clip.masked.end : block_end;
    if (mask_end - mask_begin < block_end - block) {
      add_noise(waveform, clip.amplitude, clip.draws, block, block_end, result);
      scale(result + block, clip.factor, block_end - block, result + block);
    }
    if (mask_begin < mask_end) {
      std::memset(result + mask_begin, 0, static_cast<std::size_t>(mask_end - mask_begin) * sizeof(float));
    }
  }
}

at::Tensor noise_gain_mask_cpu(const at::Tensor& waveforms, const at::Tensor& amplitude, const at::Tensor& gain_db,
                               const at::Tensor& start_samples, const at::Tensor& length_samples,
                               const at::Tensor& seed, const at::Tensor& clip_ids, const at::Tensor& epochs,
                               std::int64_t stream) {
  at::Tensor result = noise_gain_mask_meta(waveforms, amplitude, gain_db, start_samples, length_samples, seed, clip_ids,
                                           epochs, stream);
  const at::Tensor source = waveforms.contiguous();
  const at::Tensor amplitudes = amplitude.contiguous(), levels = gain_db.contiguous();
  const at::Tensor starts = start_samples.contiguous(), lengths = length_samples.contiguous();
  const at::Tensor clips = clip_ids.contiguous(), epochs_row = epochs.contiguous();
  check_not_negative("noise_gain_mask", "start_samples", starts);
  check_not_negative("noise_gain_mask", "length_samples", lengths);
  check_counter_words("noise_gain_mask", "clip_ids", clips);
  check_counter_words("noise_gain_mask", "epochs", epochs_row);
  const std::int64_t samples = waveforms.size(1);
  const std::int64_t chunks = parts_of(samples, kChunk);
  const float* const from = source.const_data_ptr<float>();
  const float* const amplitude_of = amplitudes.const_data_ptr<float>();
  const float* const level_db = levels.const_data_ptr<float>();
  const std::int64_t* const start = starts.const_data_ptr<std::int64_t>();
  const std::int64_t* const length = lengths.const_data_ptr<std::int64_t>();
  const std::int64_t* const clip_id = clips.const_data_ptr<std::int64_t>();
  const std::int64_t* const epoch = epochs_row.const_data_ptr<std::int64_t>();
  const std::int64_t seed_value = *seed.const_data_ptr<std::int64_t>();
  float* const to = result.mutable_data_ptr<float>();
  at::parallel_for(0, waveforms.size(0) * chunks, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t task = first; task < last; ++task) {
      const std::int64_t b = task / chunks;
      const std::int64_t begin = task % chunks * kChunk;
      const ClipParameters clip{amplitude_of[b], decibels_to_factor(level_db[b]),
                                stretch_within(start[b], length[b], samples),
                                draw_stream(seed_value, clip_id[b], epoch[b], stream, DrawKind::kPerSample)};
      augment_part(from + b * samples, clip, begin, begin + kChunk < samples ? begin + kChunk : samples,
                   to + b * samples);
    }
  });
  return result;
}

[[maybe_unused]] at::Tensor noise_gain_mask_cuda(const at::Tensor& waveforms, const at::Tensor& amplitude,
                                                 const at::Tensor& gain_db, const at::Tensor& start_samples,
                                                 const at::Tensor& length_samples, const at::Tensor& seed,
                                                 const at::Tensor& clip_ids, const at::Tensor& epochs,
                                                 std::int64_t stream) {
  at::Tensor result = noise_gain_mask_meta(waveforms, amplitude, gain_db, start_samples, length_samples, seed, clip_ids,
                                           epochs, stream);
  const c10::DeviceGuard guard(waveforms.device());
  check_launch(
      "noise_gain_mask",
      launch_noise_gain_mask(
          waveforms.contiguous().const_data_ptr<float>(), amplitude.contiguous().const_data_ptr<float>(),
          gain_db.contiguous().const_data_ptr<float>(), start_samples.contiguous().const_data_ptr<std::int64_t>(),
          length_samples.contiguous().const_data_ptr<std::int64_t>(), seed.const_data_ptr<std::int64_t>(),
          clip_ids.contiguous().const_data_ptr<std::int64_t>(), epochs.contiguous().const_data_ptr<std::int64_t>(),
          stream, waveforms.size(0), waveforms.size(1), result.mutable_data_ptr<float>(), current_stream(waveforms)));
  return result;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def(
      "noise_gain_mask(Tensor waveforms, Tensor amplitude, Tensor gain_db, Tensor start_samples, Tensor "
      "length_samples, Tensor seed, Tensor clip_ids, Tensor epochs, int stream) -> Tensor");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) { library.impl("noise_gain_mask", &noise_gain_mask_meta); }
TORCH_LIBRARY_IMPL(singerprint, CPU, library) { library.impl("noise_gain_mask", &noise_gain_mask_cpu); }
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("noise_gain_mask", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(noise_gain_mask)

}  // namespace singerprint
