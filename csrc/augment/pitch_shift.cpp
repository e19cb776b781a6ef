#include "augment/pitch_shift.h"

#include <ATen/Parallel.h>

#include <tuple>
#include <utility>

#include "core/cache.h"
#include "core/check.h"
#include "core/cuda.h"
#include "core/device_table.h"
#include "core/precompiled.h"
#include "dsp/pitch_shifter.h"

namespace singerprint {
namespace {

at::Tensor pitch_shift_meta(const at::Tensor& waveforms, double sample_rate_hz, const at::Tensor& pitch_ratio,
                            const at::Tensor& pitch_range_ratio, const at::Tensor& formant_ratio, bool) {
  check_waveforms("pitch_shift", waveforms);
  check_voice_sample_rate("pitch_shift", sample_rate_hz);
  check_per_clip("pitch_shift", "pitch_ratio", pitch_ratio, at::kFloat, waveforms);
  check_per_clip("pitch_shift", "pitch_range_ratio", pitch_range_ratio, at::kFloat, waveforms);
  check_per_clip("pitch_shift", "formant_ratio", formant_ratio, at::kFloat, waveforms);
  return at::empty_symint(waveforms.sym_sizes(), waveforms.options());
}

const PitchShiftStyle& style_of(bool praat_compatible) { return praat_compatible ? kPraatStyle : kOwnStyle; }

std::shared_ptr<const PitchTables> cached_tables(double sample_rate_hz, bool praat_compatible) {
  static Cache<std::pair<double, bool>, PitchTables> cache(64);
  return cache.get({sample_rate_hz, praat_compatible}, [&] {
    return std::make_shared<const PitchTables>(pitch_shift_tables(sample_rate_hz, style_of(praat_compatible)));
  });
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
  at::Tensor result =
      pitch_shift_meta(waveforms, sample_rate_hz, pitch_ratio, pitch_range_ratio, formant_ratio, praat_compatible);
  const at::Tensor source = waveforms.contiguous(), pitch = pitch_ratio.contiguous();
  const at::Tensor range = pitch_range_ratio.contiguous(), formant = formant_ratio.contiguous();
  check_range("pitch_ratio", pitch, kSmallestRatio);
  check_range("pitch_range_ratio", range, 0.0f);
  check_range("formant_ratio", formant, kSmallestRatio);
  const PitchShiftStyle& style = style_of(praat_compatible);
  const auto tables = cached_tables(sample_rate_hz, praat_compatible);
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

// The tables of a configuration in the memory of a device.
struct DeviceTables {
  PitchPlan plan;
  at::Tensor flat;
};

[[maybe_unused]] std::shared_ptr<const DeviceTables> device_tables(double sample_rate_hz, bool praat_compatible,
                                                                   c10::Device device) {
  // Never emptied, never destroyed: a kernel may still read a table, and at exit CUDA is gone before the statics.
  static auto& cache = *new Cache<std::tuple<double, bool, int>, DeviceTables>(SIZE_MAX);
  return cache.get({sample_rate_hz, praat_compatible, device.index()}, [&] {
    const auto tables = cached_tables(sample_rate_hz, praat_compatible);
    return std::make_shared<const DeviceTables>(
        DeviceTables{tables->plan, on_device(flattened(*tables), at::kFloat, device)});
  });
}

// The ratios are not checked here: the host would have to wait for them.
[[maybe_unused]] at::Tensor pitch_shift_cuda(const at::Tensor& waveforms, double sample_rate_hz,
                                             const at::Tensor& pitch_ratio, const at::Tensor& pitch_range_ratio,
                                             const at::Tensor& formant_ratio, bool praat_compatible) {
  at::Tensor result =
      pitch_shift_meta(waveforms, sample_rate_hz, pitch_ratio, pitch_range_ratio, formant_ratio, praat_compatible);
  if (result.numel() == 0) return result;
  const c10::DeviceGuard guard(waveforms.device());
  const auto held = device_tables(sample_rate_hz, praat_compatible, waveforms.device());
  const at::Tensor source = waveforms.contiguous(), pitch = pitch_ratio.contiguous();
  const at::Tensor range = pitch_range_ratio.contiguous(), formant = formant_ratio.contiguous();
  const PitchShiftStyle& style = style_of(praat_compatible);
  const ShiftSizes sizes = shift_sizes(held->plan, source.size(1));
  const ShiftChunks chunks = shift_chunks(sizes, source.size(0), style.highest_psola_hz < style.max_hz);
  std::size_t bytes = 0;
  shift_buffers(sizes, chunks.clips, chunks.line_clips, nullptr, &bytes);
  const at::Tensor memory = at::empty({static_cast<std::int64_t>(bytes)}, source.options().dtype(at::kByte));
  const ShiftBuffers buffers = shift_buffers(sizes, chunks.clips, chunks.line_clips, memory.mutable_data_ptr(), &bytes);
  const ShiftRatios ratios{pitch.const_data_ptr<float>(), range.const_data_ptr<float>(),
                           formant.const_data_ptr<float>()};
  check_launch("pitch_shift",
               launch_pitch_shift(source.const_data_ptr<float>(), source.size(0),
                                  pitch_table_view(held->plan, held->flat.const_data_ptr<float>()), style, ratios,
                                  chunks.clips, buffers, result.mutable_data_ptr<float>(), current_stream(waveforms)));
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
