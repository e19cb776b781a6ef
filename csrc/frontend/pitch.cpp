// pitch: the fundamental frequency of every frame, 0 where it is unvoiced; the formulas are in dsp/pitch_track.h.
#include <ATen/Parallel.h>

#include <tuple>

#include "core/cache.h"
#include "core/check.h"
#include "core/cuda.h"
#include "core/precompiled.h"
#include "dsp/pitch_track.h"

namespace singerprint {
namespace {

constexpr double kLowestRateHz = 8000.0, kHighestRateHz = 192000.0, kLowestPitchHz = 30.0;

at::Tensor pitch_meta(const at::Tensor& waveforms, double sample_rate_hz, std::int64_t hop_length, double min_hz,
                      double max_hz) {
  check_waveforms("pitch", waveforms);
  TORCH_CHECK_VALUE(sample_rate_hz >= kLowestRateHz && sample_rate_hz <= kHighestRateHz,
                    "pitch: sample_rate_hz must be in [", kLowestRateHz, ", ", kHighestRateHz, "], got ",
                    sample_rate_hz);
  TORCH_CHECK_VALUE(hop_length >= 1, "pitch: hop_length must be at least 1, got ", hop_length);
  TORCH_CHECK_VALUE(min_hz >= kLowestPitchHz, "pitch: min_hz must be at least ", kLowestPitchHz, ", got ", min_hz);
  TORCH_CHECK_VALUE(max_hz > min_hz && max_hz <= kHighestTrackedHz, "pitch: max_hz must be above min_hz = ", min_hz,
                    " and at most ", kHighestTrackedHz, ", got ", max_hz);
  return at::empty_symint({waveforms.sym_size(0), waveforms.sym_size(1) / hop_length + 1}, waveforms.options());
}

at::Tensor pitch_cpu(const at::Tensor& waveforms, double sample_rate_hz, std::int64_t hop_length, double min_hz,
                     double max_hz) {
  static Cache<std::tuple<double, std::int64_t, double, double>, PitchTables> cache(64);
  at::Tensor result = pitch_meta(waveforms, sample_rate_hz, hop_length, min_hz, max_hz);
  const auto tables = cache.get({sample_rate_hz, hop_length, min_hz, max_hz}, [&] {
    return std::make_shared<const PitchTables>(pitch_tables(sample_rate_hz, hop_length, min_hz, max_hz));
  });
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
