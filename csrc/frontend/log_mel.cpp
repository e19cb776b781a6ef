#include "frontend/log_mel.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <string_view>
#include <utility>
#include <vector>

#include "core/cache.h"
#include "core/check.h"
#include "core/cuda.h"
#include "core/device_table.h"
#include "core/precompiled.h"
#include "dsp/mel_filter_bank.h"
#include "dsp/power_spectrum.h"
#include "dsp/window.h"

namespace singerprint {
namespace {

constexpr std::int64_t kMinimalFft = 16, kMaximalFft = 8192;
constexpr std::size_t kCachedConfigurations = 64;

// Everything but the waveforms, as the schema has it.
struct Options {
  double sample_rate_hz;
  std::int64_t n_fft, hop_length, n_mels;
  double fmin_hz, fmax_hz;
  std::string_view mel_scale, mel_norm;
  double log_offset;
};

void check_options(const Options& options) {
  const auto& [sample_rate_hz, n_fft, hop_length, n_mels, fmin_hz, fmax_hz, mel_scale, mel_norm, log_offset] = options;
  TORCH_CHECK_VALUE(sample_rate_hz > 0 && std::isfinite(sample_rate_hz),
                    "log_mel: sample_rate_hz must be positive and finite, got ", sample_rate_hz);
  TORCH_CHECK_VALUE(n_fft % 2 == 0 && n_fft >= kMinimalFft && n_fft <= kMaximalFft,
                    "log_mel: n_fft must be even and in [", kMinimalFft, ", ", kMaximalFft, "], got ", n_fft);
  TORCH_CHECK_VALUE(hop_length >= 1, "log_mel: hop_length must be at least 1, got ", hop_length);
  TORCH_CHECK_VALUE(n_mels >= 1 && n_mels <= n_fft, "log_mel: n_mels must be in [1, n_fft = ", n_fft, "], got ",
                    n_mels);
  TORCH_CHECK_VALUE(fmin_hz >= 0, "log_mel: fmin_hz must be at least 0, got ", fmin_hz);
  TORCH_CHECK_VALUE(fmax_hz > fmin_hz, "log_mel: fmax_hz must be above fmin_hz = ", fmin_hz, ", got ", fmax_hz);
  TORCH_CHECK_VALUE(fmax_hz <= sample_rate_hz / 2,
                    "log_mel: fmax_hz must be at most sample_rate_hz / 2 = ", sample_rate_hz / 2, ", got ", fmax_hz);
  TORCH_CHECK_VALUE(mel_scale == "slaney" || mel_scale == "htk", "log_mel: mel_scale must be slaney or htk, got ",
                    mel_scale);
  TORCH_CHECK_VALUE(mel_norm == "slaney" || mel_norm == "none", "log_mel: mel_norm must be slaney or none, got ",
                    mel_norm);
  // Compared as a double: to convert what lies beyond float is undefined.
  TORCH_CHECK_VALUE(log_offset >= 0 && log_offset <= std::numeric_limits<float>::max(),
                    "log_mel: log_offset must be at least 0 and finite, got ", log_offset);
}

MelFilterOptions filter_options(const Options& options) {
  return {options.sample_rate_hz,
          options.n_fft,
          options.n_mels,
          options.fmin_hz,
          options.fmax_hz,
          options.mel_scale == "slaney" ? MelScale::kSlaney : MelScale::kHtk,
          options.mel_norm == "slaney" ? MelNorm::kSlaney : MelNorm::kNone};
}

std::shared_ptr<const MelFilterBank> filter_bank(const Options& options) {
  static Cache<MelFilterOptions, MelFilterBank> cache(kCachedConfigurations);
  const MelFilterOptions key = filter_options(options);
  return cache.get(key, [&] { return std::make_shared<const MelFilterBank>(mel_filter_bank(key)); });
}

std::shared_ptr<const PowerSpectrum> power_spectrum(std::int64_t n_fft) {
  static Cache<std::int64_t, PowerSpectrum> cache(kCachedConfigurations);
  return cache.get(n_fft, [&] { return std::make_shared<const PowerSpectrum>(n_fft); });
}

void check_no_filter_is_empty(const Options& options) {
  const std::vector<std::int64_t> empty = empty_filters(*filter_bank(options));
  if (empty.empty()) return;
  const at::IntArrayRef first(empty.data(), std::min<std::size_t>(empty.size(), 8));
  TORCH_CHECK_VALUE(false, "log_mel: n_mels must leave an FFT bin to every filter, got ", options.n_mels,
                    " with n_fft = ", options.n_fft, "; empty filters: ", empty.size(), ", beginning with ", first);
}

at::Tensor check_and_allocate(const at::Tensor& waveforms, const Options& options) {
  check_waveforms("log_mel", waveforms);
  check_options(options);
  const c10::SymInt samples = waveforms.sym_size(1);
  TORCH_CHECK_VALUE(samples > options.n_fft / 2,
                    "log_mel: waveforms must have more than n_fft / 2 = ", options.n_fft / 2,
                    " samples to be mirrored at their ends, got ", samples);
  check_no_filter_is_empty(options);
  return at::empty_symint({waveforms.sym_size(0), options.n_mels, samples / options.hop_length + 1},
                          waveforms.options());
}

// Pointers to `count` adjacent frames from `first` on, lane by lane; the lanes beyond them repeat the last. A frame
// that reaches over an end of the waveform is written out, mirrored, to its place in `edges` (lanes, n_fft).
void point_to_frames(const float* waveform, std::int64_t samples, const Options& options, std::int64_t first,
                     std::int64_t count, std::vector<float>& edges, std::vector<const float*>& pointers) {
  for (std::size_t lane = 0; lane < pointers.size(); ++lane) {
    if (static_cast<std::int64_t>(lane) >= count) {
      pointers[lane] = pointers[lane - 1];
      continue;
    }
    const std::int64_t start = (first + static_cast<std::int64_t>(lane)) * options.hop_length - options.n_fft / 2;
    if (start >= 0 && start + options.n_fft <= samples) {
      pointers[lane] = waveform + start;
      continue;
    }
    float* const edge = edges.data() + static_cast<std::int64_t>(lane) * options.n_fft;
    for (std::int64_t n = 0; n < options.n_fft; ++n) edge[n] = waveform[reflect_index(start + n, samples)];
    pointers[lane] = edge;
  }
}

at::Tensor compute_on_cpu(const at::Tensor& waveforms, const Options& options) {
  at::Tensor result = check_and_allocate(waveforms, options);
  const at::Tensor source = waveforms.contiguous();
  const std::int64_t samples = source.size(1), mels = result.size(1), frames = result.size(2);
  const auto bank = filter_bank(options);
  const auto spectrum = power_spectrum(options.n_fft);
  const MelFilters filters{static_cast<std::int32_t>(mels), bank->first_bin.data(), bank->begin.data(),
                           bank->weights.data()};
  const auto lanes = SINGERPRINT_LANES(log_mel_lanes);
  const std::int64_t at_once = PowerSpectrum::frames_at_once(), blocks = (frames + at_once - 1) / at_once;
  const float* const from = source.const_data_ptr<float>();
  float* const to = result.mutable_data_ptr<float>();
  at::parallel_for(0, source.size(0) * blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    PowerSpectrum::Worker worker(*spectrum);
    std::vector<float> edges(static_cast<std::size_t>(at_once * options.n_fft));
    std::vector<const float*> pointers(static_cast<std::size_t>(at_once));
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t b = block / blocks, first = block % blocks * at_once;
      const std::int64_t count = std::min(at_once, frames - first);
      point_to_frames(from + b * samples, samples, options, first, count, edges, pointers);
      lanes(worker(pointers.data()), filters, static_cast<float>(options.log_offset), count, frames,
            to + b * mels * frames + first);
    }
  });
  return result;
}

// The tables of a configuration in the memory of a device.
struct DeviceTables {
  at::Tensor half_window, twiddles, first_bin, begin, weights;
};

[[maybe_unused]] std::shared_ptr<const DeviceTables> device_tables(const Options& options, c10::Device device) {
  // Never emptied, never destroyed: a kernel may still read a table, and at exit CUDA is gone before the statics.
  static auto& cache = *new Cache<std::pair<MelFilterOptions, int>, DeviceTables>(SIZE_MAX);
  return cache.get({filter_options(options), device.index()}, [&] {
    std::vector<float> half_window, twiddles;
    for (const double weight : hann_window(options.n_fft)) half_window.push_back(static_cast<float>(0.5 * weight));
    for (std::int64_t k = 0; k < options.n_fft; ++k) {
      const double angle = -2.0 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(options.n_fft);
      twiddles.push_back(static_cast<float>(std::cos(angle)));
      twiddles.push_back(static_cast<float>(std::sin(angle)));
    }
    const auto bank = filter_bank(options);
    return std::make_shared<const DeviceTables>(
        DeviceTables{on_device(half_window, at::kFloat, device), on_device(twiddles, at::kFloat, device),
                     on_device(bank->first_bin, at::kInt, device), on_device(bank->begin, at::kInt, device),
                     on_device(bank->weights, at::kFloat, device)});
  });
}

[[maybe_unused]] at::Tensor compute_on_cuda(const at::Tensor& waveforms, const Options& options) {
  at::Tensor result = check_and_allocate(waveforms, options);
  TORCH_CHECK_NOT_IMPLEMENTED((options.n_fft & (options.n_fft - 1)) == 0,
                              "log_mel: n_fft must be a power of two on CUDA, got ", options.n_fft,
                              "; move the waveforms to the CPU for other sizes");
  const c10::DeviceGuard guard(waveforms.device());
  const auto held = device_tables(options, waveforms.device());
  const LogMelTables tables{static_cast<std::int32_t>(options.n_fft),
                            held->half_window.const_data_ptr<float>(),
                            held->twiddles.const_data_ptr<float>(),
                            {static_cast<std::int32_t>(options.n_mels), held->first_bin.const_data_ptr<std::int32_t>(),
                             held->begin.const_data_ptr<std::int32_t>(), held->weights.const_data_ptr<float>()}};
  const at::Tensor source = waveforms.contiguous();
  check_launch("log_mel",
               launch_log_mel(source.const_data_ptr<float>(), source.size(0), source.size(1), options.hop_length,
                              result.size(2), tables, static_cast<float>(options.log_offset),
                              result.mutable_data_ptr<float>(), current_stream(waveforms)));
  return result;
}

at::Tensor log_mel_meta(const at::Tensor& waveforms, double sample_rate_hz, std::int64_t n_fft, std::int64_t hop_length,
                        std::int64_t n_mels, double fmin_hz, double fmax_hz, std::string_view mel_scale,
                        std::string_view mel_norm, double log_offset) {
  return check_and_allocate(
      waveforms, {sample_rate_hz, n_fft, hop_length, n_mels, fmin_hz, fmax_hz, mel_scale, mel_norm, log_offset});
}

at::Tensor log_mel_cpu(const at::Tensor& waveforms, double sample_rate_hz, std::int64_t n_fft, std::int64_t hop_length,
                       std::int64_t n_mels, double fmin_hz, double fmax_hz, std::string_view mel_scale,
                       std::string_view mel_norm, double log_offset) {
  return compute_on_cpu(waveforms,
                        {sample_rate_hz, n_fft, hop_length, n_mels, fmin_hz, fmax_hz, mel_scale, mel_norm, log_offset});
}

[[maybe_unused]] at::Tensor log_mel_cuda(const at::Tensor& waveforms, double sample_rate_hz, std::int64_t n_fft,
                                         std::int64_t hop_length, std::int64_t n_mels, double fmin_hz, double fmax_hz,
                                         std::string_view mel_scale, std::string_view mel_norm, double log_offset) {
  return compute_on_cuda(
      waveforms, {sample_rate_hz, n_fft, hop_length, n_mels, fmin_hz, fmax_hz, mel_scale, mel_norm, log_offset});
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def(
      "log_mel(Tensor waveforms, float sample_rate_hz, int n_fft, int hop_length, int n_mels, float fmin_hz, "
      "float fmax_hz, str mel_scale, str mel_norm, float log_offset) -> Tensor");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) { library.impl("log_mel", &log_mel_meta); }
TORCH_LIBRARY_IMPL(singerprint, CPU, library) { library.impl("log_mel", &log_mel_cpu); }
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("log_mel", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(log_mel)

}  // namespace singerprint
