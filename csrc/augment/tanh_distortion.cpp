#include "augment/tanh_distortion.h"

#include <cstring>

#include "augment/gain.h"
#include "core/check.h"
#include "core/cuda.h"
#include "core/precompiled.h"
#include "dsp/magnitude_percentile.h"

namespace singerprint {
namespace {

at::Tensor tanh_distortion_meta(const at::Tensor& waveforms, const at::Tensor& amount) {
  check_waveforms("tanh_distortion", waveforms);
  check_per_clip("tanh_distortion", "amount", amount, at::kFloat, waveforms);
  return at::empty_symint(waveforms.sym_sizes(), waveforms.options());
}

void distort(const float* waveform, float amount, std::int64_t samples, float* result) {
  if (amount == 0.0f) {
    std::memcpy(result, waveform, static_cast<std::size_t>(samples) * sizeof(float));
    return;
  }
  const float threshold = magnitude_percentile(waveform, samples, part_below_threshold(amount));
  const SumsOfSquares sums =
      SINGERPRINT_LANES(tanh_distortion_lanes)(waveform, gain_to_threshold(threshold), samples, result);
  SINGERPRINT_LANES(gain_lanes)(result, level_keeping_gain(sums.before, sums.after, samples), samples, result);
}

at::Tensor tanh_distortion_cpu(const at::Tensor& waveforms, const at::Tensor& amount) {
  at::Tensor result = tanh_distortion_meta(waveforms, amount);
  const at::Tensor source = waveforms.contiguous();
  const at::Tensor amounts = amount.contiguous();
  const float* const amount_of = amounts.const_data_ptr<float>();
  for (std::int64_t b = 0; b < amounts.size(0); ++b) {
    TORCH_CHECK_VALUE(amount_of[b] >= 0.0f && amount_of[b] <= 1.0f, "tanh_distortion: amount must be in [0, 1], got ",
                      amount_of[b]);
  }
  if (result.numel() == 0) return result;  // of no samples there is no percentile
  const std::int64_t samples = waveforms.size(1);
  const float* const from = source.const_data_ptr<float>();
  float* const to = result.mutable_data_ptr<float>();
  at::parallel_for(0, waveforms.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) distort(from + b * samples, amount_of[b], samples, to + b * samples);
  });
  return result;
}

[[maybe_unused]] at::Tensor tanh_distortion_cuda(const at::Tensor& waveforms, const at::Tensor& amount) {
  at::Tensor result = tanh_distortion_meta(waveforms, amount);
  const c10::DeviceGuard guard(waveforms.device());
  check_launch("tanh_distortion",
               launch_tanh_distortion(waveforms.contiguous().const_data_ptr<float>(),
                                      amount.contiguous().const_data_ptr<float>(), waveforms.size(0), waveforms.size(1),
                                      result.mutable_data_ptr<float>(), current_stream(waveforms)));
  return result;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("tanh_distortion(Tensor waveforms, Tensor amount) -> Tensor");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) { library.impl("tanh_distortion", &tanh_distortion_meta); }
TORCH_LIBRARY_IMPL(singerprint, CPU, library) { library.impl("tanh_distortion", &tanh_distortion_cpu); }
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("tanh_distortion", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(tanh_distortion)

}  // namespace singerprint
