#include "augment/time_stretch.h"

#include <ATen/Parallel.h>

#include <utility>

#include "core/cache.h"
#include "core/check.h"
#include "core/cuda.h"
#include "core/device_table.h"
#include "core/precompiled.h"
#include "dsp/time_stretcher.h"

namespace singerprint {
namespace {

at::Tensor time_stretch_meta(const at::Tensor& waveforms, double sample_rate_hz, const at::Tensor& rate,
                             c10::SymInt samples) {
  check_waveforms("time_stretch", waveforms);
  check_voice_sample_rate("time_stretch", sample_rate_hz);
  check_per_clip("time_stretch", "rate", rate, at::kFloat, waveforms);
  TORCH_CHECK_VALUE(samples >= 0, "time_stretch: samples must not be negative, got ", samples);
  return at::empty_symint({waveforms.sym_size(0), samples}, waveforms.options());
}

std::shared_ptr<const PitchTables> cached_tables(double sample_rate_hz) {
  static Cache<double, PitchTables> cache(64);
  return cache.get(sample_rate_hz,
                   [&] { return std::make_shared<const PitchTables>(time_stretch_tables(sample_rate_hz)); });
}

at::Tensor time_stretch_cpu(const at::Tensor& waveforms, double sample_rate_hz, const at::Tensor& rate,
                            std::int64_t result_samples) {
  at::Tensor result = time_stretch_meta(waveforms, sample_rate_hz, rate, result_samples);
  const at::Tensor source = waveforms.contiguous(), rates = rate.contiguous();
  const float* const own = rates.const_data_ptr<float>();
  for (std::int64_t b = 0; b < rates.size(0); ++b) {  // NaN is outside too
    TORCH_CHECK_VALUE(own[b] >= kSlowestRate && own[b] <= kFastestRate, "time_stretch: rate must be in [", kSlowestRate,
                      ", ", kFastestRate, "], got ", own[b]);
  }
  const auto tables = cached_tables(sample_rate_hz);
  const std::int64_t samples = source.size(1);
  const float* const from = source.const_data_ptr<float>();
  float* const to = result.mutable_data_ptr<float>();
  at::parallel_for(0, source.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    TimeStretcher stretcher(*tables);
    for (std::int64_t b = begin; b < end; ++b) {
      stretcher(from + b * samples, samples, own[b], to + b * result_samples, result_samples);
    }
  });
  return result;
}

// The tables of a sample rate in the memory of a device: those of the pitch track, and that for reading between
// samples.
struct DeviceTables {
  PitchPlan plan;
  at::Tensor flat, sinc;
};

[[maybe_unused]] std::shared_ptr<const DeviceTables> device_tables(double sample_rate_hz, c10::Device device) {
  // Never emptied, never destroyed: a kernel may still read a table, and at exit CUDA is gone before the statics.
  static auto& cache = *new Cache<std::pair<double, int>, DeviceTables>(SIZE_MAX);
  return cache.get({sample_rate_hz, device.index()}, [&] {
    const auto tables = cached_tables(sample_rate_hz);
    return std::make_shared<const DeviceTables>(DeviceTables{tables->plan,
                                                             on_device(flattened(*tables), at::kFloat, device),
                                                             on_device(sinc_table(1.0).weights, at::kFloat, device)});
  });
}

// The rates are not checked here: the host would have to wait for them.
[[maybe_unused]] at::Tensor time_stretch_cuda(const at::Tensor& waveforms, double sample_rate_hz,
                                              const at::Tensor& rate, std::int64_t result_samples) {
  at::Tensor result = time_stretch_meta(waveforms, sample_rate_hz, rate, result_samples);
  if (result.numel() == 0) return result;
  if (waveforms.numel() == 0) return result.zero_();
  const c10::DeviceGuard guard(waveforms.device());
  const auto held = device_tables(sample_rate_hz, waveforms.device());
  const at::Tensor source = waveforms.contiguous(), rates = rate.contiguous();
  const StretchSizes sizes = stretch_sizes(held->plan, source.size(1), result_samples);
  const std::int64_t chunk = stretch_chunk(sizes, source.size(0));
  std::size_t bytes = 0;
  stretch_buffers(sizes, chunk, nullptr, &bytes);
  const at::Tensor memory = at::empty({static_cast<std::int64_t>(bytes)}, source.options().dtype(at::kByte));
  const StretchBuffers buffers = stretch_buffers(sizes, chunk, memory.mutable_data_ptr(), &bytes);
  check_launch("time_stretch",
               launch_time_stretch(source.const_data_ptr<float>(), source.size(0),
                                   pitch_table_view(held->plan, held->flat.const_data_ptr<float>()),
                                   held->sinc.const_data_ptr<float>(), rates.const_data_ptr<float>(), chunk, buffers,
                                   result.mutable_data_ptr<float>(), current_stream(waveforms)));
  return result;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("time_stretch(Tensor waveforms, float sample_rate_hz, Tensor rate, SymInt samples) -> Tensor");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) { library.impl("time_stretch", &time_stretch_meta); }
TORCH_LIBRARY_IMPL(singerprint, CPU, library) { library.impl("time_stretch", &time_stretch_cpu); }
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("time_stretch", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(time_stretch)

}  // namespace singerprint
