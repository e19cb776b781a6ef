#include "augment/time_mask.h"

#include <cstring>

#include "core/check.h"
#include "core/cuda.h"
#include "core/precompiled.h"

namespace singerprint {
namespace {

at::Tensor time_mask_meta(const at::Tensor& waveforms, const at::Tensor& start_samples,
                          const at::Tensor& length_samples) {
  check_waveforms("time_mask", waveforms);
  check_per_clip("time_mask", "start_samples", start_samples, at::kLong, waveforms);
  check_per_clip("time_mask", "length_samples", length_samples, at::kLong, waveforms);
  return at::empty_symint(waveforms.sym_sizes(), waveforms.options());
}

// No lanes: copying and zeroing are what the C library does best.
void mask_waveform(const float* waveform, Stretch masked, std::int64_t samples, float* result) {
  std::memcpy(result, waveform, masked.begin * sizeof(float));
  std::memset(result + masked.begin, 0, (masked.end - masked.begin) * sizeof(float));
  std::memcpy(result + masked.end, waveform + masked.end, (samples - masked.end) * sizeof(float));
}

at::Tensor time_mask_cpu(const at::Tensor& waveforms, const at::Tensor& start_samples,
                         const at::Tensor& length_samples) {
  at::Tensor result = time_mask_meta(waveforms, start_samples, length_samples);
  const at::Tensor source = waveforms.contiguous();
  const at::Tensor starts = start_samples.contiguous();
  const at::Tensor lengths = length_samples.contiguous();
  check_not_negative("time_mask", "start_samples", starts);
  check_not_negative("time_mask", "length_samples", lengths);
  const std::int64_t samples = waveforms.size(1);
  if (result.numel() == 0) return result;  // memcpy must not be given a null pointer
  const float* const from = source.const_data_ptr<float>();
  const std::int64_t* const start = starts.const_data_ptr<std::int64_t>();
  const std::int64_t* const length = lengths.const_data_ptr<std::int64_t>();
  float* const to = result.mutable_data_ptr<float>();
  at::parallel_for(0, waveforms.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      mask_waveform(from + b * samples, stretch_within(start[b], length[b], samples), samples, to + b * samples);
    }
  });
  return result;
}

[[maybe_unused]] at::Tensor time_mask_cuda(const at::Tensor& waveforms, const at::Tensor& start_samples,
                                           const at::Tensor& length_samples) {
  at::Tensor result = time_mask_meta(waveforms, start_samples, length_samples);
  const c10::DeviceGuard guard(waveforms.device());
  check_launch("time_mask",
               launch_time_mask(waveforms.contiguous().const_data_ptr<float>(),
                                start_samples.contiguous().const_data_ptr<std::int64_t>(),
                                length_samples.contiguous().const_data_ptr<std::int64_t>(), waveforms.size(0),
                                waveforms.size(1), result.mutable_data_ptr<float>(), current_stream(waveforms)));
  return result;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("time_mask(Tensor waveforms, Tensor start_samples, Tensor length_samples) -> Tensor");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) { library.impl("time_mask", &time_mask_meta); }
TORCH_LIBRARY_IMPL(singerprint, CPU, library) { library.impl("time_mask", &time_mask_cpu); }
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("time_mask", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(time_mask)

}  // namespace singerprint
