#include "augment/shift.h"

#include <algorithm>
#include <cstring>

#include "core/check.h"
#include "core/cuda.h"
#include "core/precompiled.h"

namespace singerprint {
namespace {

at::Tensor shift_meta(const at::Tensor& waveforms, const at::Tensor& shift_samples, std::int64_t fade_samples) {
  check_waveforms("shift", waveforms);
  check_per_clip("shift", "shift_samples", shift_samples, at::kLong, waveforms);
  TORCH_CHECK_VALUE(fade_samples >= 0, "shift: fade_samples must not be negative, got ", fade_samples);
  return at::empty_symint(waveforms.sym_sizes(), waveforms.options());
}

// No lanes: copying is what the C library does best, and a fade is short.
void shift_waveform(const float* waveform, std::int64_t seam, std::int64_t fade_samples, std::int64_t samples,
                    float* result) {
  std::memcpy(result + seam, waveform, static_cast<std::size_t>(samples - seam) * sizeof(float));
  if (seam == 0) return;
  std::memcpy(result, waveform + samples - seam, static_cast<std::size_t>(seam) * sizeof(float));
  // Compared before they are added: fade_samples may be any number.
  const std::int64_t begin = seam - std::min(fade_samples, seam);
  const std::int64_t end = seam + std::min(fade_samples, samples - seam);
  for (std::int64_t n = begin; n < end; ++n) result[n] *= seam_fade(distance_from_seam(n, seam), fade_samples);
}

at::Tensor shift_cpu(const at::Tensor& waveforms, const at::Tensor& shift_samples, std::int64_t fade_samples) {
  at::Tensor result = shift_meta(waveforms, shift_samples, fade_samples);
  if (result.numel() == 0) return result;  // nothing has no seam
  const at::Tensor source = waveforms.contiguous();
  const at::Tensor shifts = shift_samples.contiguous();
  const std::int64_t samples = waveforms.size(1);
  const float* const from = source.const_data_ptr<float>();
  const std::int64_t* const shift = shifts.const_data_ptr<std::int64_t>();
  float* const to = result.mutable_data_ptr<float>();
  at::parallel_for(0, waveforms.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      shift_waveform(from + b * samples, seam_of(shift[b], samples), fade_samples, samples, to + b * samples);
    }
  });
  return result;
}

[[maybe_unused]] at::Tensor shift_cuda(const at::Tensor& waveforms, const at::Tensor& shift_samples,
                                       std::int64_t fade_samples) {
  at::Tensor result = shift_meta(waveforms, shift_samples, fade_samples);
  const c10::DeviceGuard guard(waveforms.device());
  check_launch("shift",
               launch_shift(waveforms.contiguous().const_data_ptr<float>(),
                            shift_samples.contiguous().const_data_ptr<std::int64_t>(), fade_samples, waveforms.size(0),
                            waveforms.size(1), result.mutable_data_ptr<float>(), current_stream(waveforms)));
  return result;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("shift(Tensor waveforms, Tensor shift_samples, int fade_samples) -> Tensor");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) { library.impl("shift", &shift_meta); }
TORCH_LIBRARY_IMPL(singerprint, CPU, library) { library.impl("shift", &shift_cpu); }
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("shift", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(shift)

}  // namespace singerprint
