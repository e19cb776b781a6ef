#include "augment/gain.h"

#include "core/check.h"
#include "core/cuda.h"
#include "core/precompiled.h"

namespace singerprint {
namespace {

at::Tensor gain_meta(const at::Tensor& waveforms, const at::Tensor& gain_db) {
  check_waveforms("gain", waveforms);
  check_per_clip("gain", "gain_db", gain_db, at::kFloat, waveforms);
  return at::empty_symint(waveforms.sym_sizes(), waveforms.options());
}

at::Tensor gain_cpu(const at::Tensor& waveforms, const at::Tensor& gain_db) {
  at::Tensor result = gain_meta(waveforms, gain_db);
  const at::Tensor source = waveforms.contiguous();
  const at::Tensor levels = gain_db.contiguous();
  const std::int64_t samples = waveforms.size(1);
  const auto lanes = SINGERPRINT_LANES(gain_lanes);
  const float* const from = source.const_data_ptr<float>();
  const float* const level_db = levels.const_data_ptr<float>();
  float* const to = result.mutable_data_ptr<float>();
  at::parallel_for(0, waveforms.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      lanes(from + b * samples, decibels_to_factor(level_db[b]), samples, to + b * samples);
    }
  });
  return result;
}

[[maybe_unused]] at::Tensor gain_cuda(const at::Tensor& waveforms, const at::Tensor& gain_db) {
  at::Tensor result = gain_meta(waveforms, gain_db);
  const c10::DeviceGuard guard(waveforms.device());
  check_launch("gain", launch_gain(waveforms.contiguous().const_data_ptr<float>(),
                                   gain_db.contiguous().const_data_ptr<float>(), waveforms.size(0), waveforms.size(1),
                                   result.mutable_data_ptr<float>(), current_stream(waveforms)));
  return result;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(singerprint, library) { library.def("gain(Tensor waveforms, Tensor gain_db) -> Tensor"); }
TORCH_LIBRARY_IMPL(singerprint, Meta, library) { library.impl("gain", &gain_meta); }
TORCH_LIBRARY_IMPL(singerprint, CPU, library) { library.impl("gain", &gain_cpu); }
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("gain", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(gain)

}  // namespace singerprint
