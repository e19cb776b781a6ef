#include "frontend/pitch.h"

#include <ATen/Parallel.h>

#include <tuple>

#include "core/cache.h"
#include "core/check.h"
#include "core/cuda.h"
#include "core/device_table.h"
#include "core/precompiled.h"
#include "dsp/pitch_track.h"

namespace singerprint {
namespace {

constexpr double kLowestPitchHz = 30.0;

at::Tensor pitch_meta(const at::Tensor& waveforms, double sample_rate_hz, std::int64_t hop_length, double min_hz,
                      double max_hz) {
  check_waveforms("pitch", waveforms);
  check_voice_sample_rate("pitch", sample_rate_hz);
  TORCH_CHECK_VALUE(hop_length >= 1, "pitch: hop_length must be at least 1, got ", hop_length);
  TORCH_CHECK_VALUE(min_hz >= kLowestPitchHz, "pitch: min_hz must be at least ", kLowestPitchHz, ", got ", min_hz);
  TORCH_CHECK_VALUE(max_hz > min_hz && max_hz <= kHighestTrackedHz, "pitch: max_hz must be above min_hz = ", min_hz,
                    " and at most ", kHighestTrackedHz, ", got ", max_hz);
  return at::empty_symint({waveforms.sym_size(0), waveforms.sym_size(1) / hop_length + 1}, waveforms.options());
}

std::shared_ptr<const PitchTables> cached_tables(double sample_rate_hz, std::int64_t hop_length, double min_hz,
                                                 double max_hz) {
  static Cache<std::tuple<double, std::int64_t, double, double>, PitchTables> cache(64);
  return cache.get({sample_rate_hz, hop_length, min_hz, max_hz}, [&] {
    return std::make_shared<const PitchTables>(pitch_tables(sample_rate_hz, hop_length, min_hz, max_hz));
  });
}

at::Tensor pitch_cpu(const at::Tensor& waveforms, double sample_rate_hz, std::int64_t hop_length, double min_hz,
                     double max_hz) {
  at::Tensor result = pitch_meta(waveforms, sample_rate_hz, hop_length, min_hz, max_hz);
  const auto tables = cached_tables(sample_rate_hz, hop_length, min_hz, max_hz);
  const at::Tensor source = waveforms.contiguous();
  const std::int64_t samples = source.size(1), frames = result.size(1);
  const float* const from = source.const_data_ptr<float>();
  float* const to = result.mutable_data_ptr<float>();
  at::parallel_for(0, source.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    PitchTracker track(*tables);
    for (std::int64_t b = begin; b < end; ++b) track(from + b * samples, samples, to + b * frames);
  });
  return result;
}

// The tables of a configuration in the memory of a device.
struct DeviceTables {
  PitchPlan plan;
  at::Tensor flat;
};

[[maybe_unused]] std::shared_ptr<const DeviceTables> device_tables(double sample_rate_hz, std::int64_t hop_length,
                                                                   double min_hz, double max_hz, c10::Device device) {
  // Never emptied, never destroyed: a kernel may still read a table, and at exit CUDA is gone before the statics.
  static auto& cache = *new Cache<std::tuple<double, std::int64_t, double, double, int>, DeviceTables>(SIZE_MAX);
  return cache.get({sample_rate_hz, hop_length, min_hz, max_hz, device.index()}, [&] {
    const auto tables = cached_tables(sample_rate_hz, hop_length, min_hz, max_hz);
    return std::make_shared<const DeviceTables>(
        DeviceTables{tables->plan, on_device(flattened(*tables), at::kFloat, device)});
  });
}

[[maybe_unused]] at::Tensor pitch_cuda(const at::Tensor& waveforms, double sample_rate_hz, std::int64_t hop_length,
                                       double min_hz, double max_hz) {
  at::Tensor result = pitch_meta(waveforms, sample_rate_hz, hop_length, min_hz, max_hz);
  const c10::DeviceGuard guard(waveforms.device());
  const auto held = device_tables(sample_rate_hz, hop_length, min_hz, max_hz, waveforms.device());
  const at::Tensor source = waveforms.contiguous();
  const std::int64_t batch = source.size(0), samples = source.size(1), frames = result.size(1);
  const at::Tensor decimated = at::empty({batch, decimated_samples(held->plan, samples)}, source.options());
  const at::Tensor peaks = at::empty({batch, frames}, source.options());
  const at::Tensor candidates = at::empty({batch, frames, kPitchCandidates, 3}, source.options());
  const at::Tensor predecessors = at::empty({batch, frames, kPitchCandidates}, source.options().dtype(at::kChar));
  const PitchBuffers buffers{decimated.mutable_data_ptr<float>(), peaks.mutable_data_ptr<float>(),
                             reinterpret_cast<PitchCandidate*>(candidates.mutable_data_ptr<float>()),
                             predecessors.mutable_data_ptr<std::int8_t>()};
  check_launch("pitch", launch_pitch(source.const_data_ptr<float>(), batch, samples,
                                     pitch_table_view(held->plan, held->flat.const_data_ptr<float>()), buffers,
                                     result.mutable_data_ptr<float>(), current_stream(waveforms)));
  return result;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("pitch(Tensor waveforms, float sample_rate_hz, int hop_length, float min_hz, float max_hz) -> Tensor");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) { library.impl("pitch", &pitch_meta); }
TORCH_LIBRARY_IMPL(singerprint, CPU, library) { library.impl("pitch", &pitch_cpu); }
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("pitch", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(pitch)

}  // namespace singerprint
