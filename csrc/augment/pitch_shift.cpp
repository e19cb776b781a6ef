// pitch_shift: pitch, pitch range and formants of each clip, apart from each other; the formulas are in
// dsp/pitch_shifter.h.
#include <ATen/Parallel.h>

#include <utility>

#include "core/cache.h"
#include "core/check.h"
#include "core/cuda.h"
#include "core/precompiled.h"
#include "dsp/pitch_shifter.h"

namespace singerprint {
namespace {

constexpr double kLowestRateHz = 8000.0, kHighestRateHz = 192000.0;
constexpr float kSmallestRatio = 0.25f, kLargestRatio = 4.0f;

at::Tensor pitch_shift_meta(const at::Tensor& waveforms, double sample_rate_hz, const at::Tensor& pitch_ratio,
                            const at::Tensor& pitch_range_ratio, const at::Tensor& formant_ratio, bool) {
  check_waveforms("pitch_shift", waveforms);
  TORCH_CHECK_VALUE(sample_rate_hz >= kLowestRateHz && sample_rate_hz <= kHighestRateHz,
                    "pitch_shift: sample_rate_hz must be in [", kLowestRateHz, ", ", kHighestRateHz, "], got ",
                    sample_rate_hz);
  check_per_clip("pitch_shift", "pitch_ratio", pitch_ratio, at::kFloat, waveforms);
  check_per_clip("pitch_shift", "pitch_range_ratio", pitch_range_ratio, at::kFloat, waveforms);
  check_per_clip("pitch_shift", "formant_ratio", formant_ratio, at::kFloat, waveforms);
  return at::empty_symint(waveforms.sym_sizes(), waveforms.options());
}

// NaN is outside too.
void check_range(const char* argument, const at::Tensor& ratios, float smallest) {
  const float* const ratio = ratios.const_data_ptr<float>();
  for (std::int64_t b = 0; b < ratios.size(0); ++b) {
    TORCH_CHECK_VALUE(ratio[b] >= smallest && ratio[b] <= kLargestRatio, "pitch_shift: ", argument, " must be in [",
                      smallest, ", ", kLargestRatio, "], got ", ratio[b]);
  }
}

at::Tensor pitch_shift_cpu(const at::Tensor& waveforms, double sample_rate_hz, const at::Tensor& pitch_ratio,
                           const at::Tensor& pitch_range_ratio, const at::Tensor& formant_ratio,
                           bool praat_compatible) {
  static Cache<std::pair<double, bool>, PitchTables> cache(64);
  at::Tensor result = pitch_shift_meta(waveforms, sample_rate_hz, pitch_ratio, pitch_range_ratio, formant_ratio,
                                       praat_compatible);
  const at::Tensor source = waveforms.contiguous(), pitch = pitch_ratio.contiguous();
  const at::Tensor range = pitch_range_ratio.contiguous(), formant = formant_ratio.contiguous();
  check_range("pitch_ratio", pitch, kSmallestRatio);
  check_range("pitch_range_ratio", range, 0.0f);
  check_range("formant_ratio", formant, kSmallestRatio);
  const PitchShiftStyle& style = praat_compatible ? kPraatStyle : kOwnStyle;
  const auto tables = cache.get({sample_rate_hz, praat_compatible}, [&] {
    return std::make_shared<const PitchTables>(pitch_shift_tables(sample_rate_hz, style));
  });
  const std::int64_t samples = source.size(1);
  const float* const from = source.const_data_ptr<float>();
  float* const to = result.mutable_data_ptr<float>();
  at::parallel_for(0, source.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    PitchShifter shifter(*tables, style);
    for (std::int64_t b = begin; b < end; ++b) {
      const PitchChange change{pitch.const_data_ptr<float>()[b], range.const_data_ptr<float>()[b],
                               formant.const_data_ptr<float>()[b]};
      shifter(from + b * samples, samples, change, to + b * samples);
    }
  });
  return result;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def(
      "pitch_shift(Tensor waveforms, float sample_rate_hz, Tensor pitch_ratio, Tensor pitch_range_ratio, "
      "Tensor formant_ratio, bool praat_compatible) -> Tensor");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) { library.impl("pitch_shift", &pitch_shift_meta); }
TORCH_LIBRARY_IMPL(singerprint, CPU, library) { library.impl("pitch_shift", &pitch_shift_cpu); }
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("pitch_shift", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(pitch_shift)

}  // namespace singerprint
