#include "frontend/log_mel_options.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/cache.h"
#include "core/check.h"
#include "core/precompiled.h"

namespace singerprint {
namespace {

constexpr std::int64_t kMinimalFft = 16, kMaximalFft = 8192;
constexpr std::size_t kCachedConfigurations = 64;

void check_frames(const LogMelOptions& options) {
  TORCH_CHECK_VALUE(options.n_fft % 2 == 0 && options.n_fft >= kMinimalFft && options.n_fft <= kMaximalFft,
                    "log_mel: n_fft must be even and in [", kMinimalFft, ", ", kMaximalFft, "], got ", options.n_fft);
  TORCH_CHECK_VALUE(options.hop_length >= 1, "log_mel: hop_length must be at least 1, got ", options.hop_length);
  TORCH_CHECK_VALUE(options.window == "hann" || options.window == "hamming",
                    "log_mel: window must be hann or hamming, got ", options.window);
  TORCH_CHECK_VALUE(options.window_length >= 1 && options.window_length <= options.n_fft,
                    "log_mel: window_length must be in [1, n_fft = ", options.n_fft, "], got ", options.window_length);
  TORCH_CHECK_VALUE(options.padding == "reflect" || options.padding == "zeros",
                    "log_mel: padding must be reflect or zeros, got ", options.padding);
  TORCH_CHECK_VALUE(options.power == 1 || options.power == 2, "log_mel: power must be 1 or 2, got ", options.power);
}

void check_filters(const LogMelOptions& options) {
  TORCH_CHECK_VALUE(options.sample_rate_hz > 0 && std::isfinite(options.sample_rate_hz),
                    "log_mel: sample_rate_hz must be positive and finite, got ", options.sample_rate_hz);
  TORCH_CHECK_VALUE(options.n_mels >= 1 && options.n_mels <= options.n_fft,
                    "log_mel: n_mels must be in [1, n_fft = ", options.n_fft, "], got ", options.n_mels);
  TORCH_CHECK_VALUE(options.fmin_hz >= 0, "log_mel: fmin_hz must be at least 0, got ", options.fmin_hz);
  TORCH_CHECK_VALUE(options.fmax_hz > options.fmin_hz, "log_mel: fmax_hz must be above fmin_hz = ", options.fmin_hz,
                    ", got ", options.fmax_hz);
  TORCH_CHECK_VALUE(options.fmax_hz <= options.sample_rate_hz / 2,
                    "log_mel: fmax_hz must be at most sample_rate_hz / 2 = ", options.sample_rate_hz / 2, ", got ",
                    options.fmax_hz);
  TORCH_CHECK_VALUE(options.mel_scale == "slaney" || options.mel_scale == "htk",
                    "log_mel: mel_scale must be slaney or htk, got ", options.mel_scale);
  TORCH_CHECK_VALUE(options.mel_norm == "slaney" || options.mel_norm == "area" || options.mel_norm == "none",
                    "log_mel: mel_norm must be slaney, area or none, got ", options.mel_norm);
}

void check_level(const LogMelOptions& options) {
  TORCH_CHECK_VALUE(options.log == "ln" || options.log == "db" || options.log == "none",
                    "log_mel: log must be ln, db or none, got ", options.log);
  // Compared as a double: to convert what lies beyond float is undefined.
  TORCH_CHECK_VALUE(options.log_offset >= 0 && options.log_offset <= std::numeric_limits<float>::max(),
                    "log_mel: log_offset must be at least 0 and finite, got ", options.log_offset);
  TORCH_CHECK_VALUE(options.log_floor >= 0 && options.log_floor <= std::numeric_limits<float>::max(),
                    "log_mel: log_floor must be at least 0 and finite, got ", options.log_floor);
}

void check_no_filter_is_empty(const LogMelOptions& options) {
  const std::vector<std::int64_t> empty = empty_filters(*filter_bank(options));
  if (empty.empty()) return;
  const at::IntArrayRef first(empty.data(), std::min<std::size_t>(empty.size(), 8));
  TORCH_CHECK_VALUE(false, "log_mel: n_mels must leave an FFT bin to every filter, got ", options.n_mels,
                    " with n_fft = ", options.n_fft, "; empty filters: ", empty.size(), ", beginning with ", first);
}

}  // namespace

c10::SymInt checked_frames(const at::Tensor& waveforms, const LogMelOptions& options) {
  check_real_waveforms("log_mel", waveforms);
  check_frames(options);
  check_filters(options);
  check_level(options);
  const c10::SymInt samples = waveforms.sym_size(1);
  if (!options.centred) {
    TORCH_CHECK_VALUE(samples >= options.n_fft, "log_mel: waveforms must have at least n_fft = ", options.n_fft,
                      " samples, got ", samples);
  } else if (padding_of(options) == Padding::kReflect) {
    TORCH_CHECK_VALUE(samples > options.n_fft / 2,
                      "log_mel: waveforms must have more than n_fft / 2 = ", options.n_fft / 2,
                      " samples to be mirrored at their ends, got ", samples);
  }
  check_no_filter_is_empty(options);
  return (options.centred ? samples : samples - options.n_fft) / options.hop_length + 1;
}

MelFilterOptions filter_options(const LogMelOptions& options) {
  return {options.sample_rate_hz,
          options.n_fft,
          options.n_mels,
          options.fmin_hz,
          options.fmax_hz,
          options.mel_scale == "slaney" ? MelScale::kSlaney : MelScale::kHtk,
          options.mel_norm == "slaney" ? MelNorm::kSlaney
          : options.mel_norm == "area" ? MelNorm::kArea
                                       : MelNorm::kNone};
}

WindowOptions window_options(const LogMelOptions& options) {
  return {options.window == "hann" ? WindowShape::kHann : WindowShape::kHamming, options.periodic,
          options.window_length, options.n_fft};
}

std::shared_ptr<const MelFilterBank> filter_bank(const LogMelOptions& options) {
  static Cache<MelFilterOptions, MelFilterBank> cache(kCachedConfigurations);
  const MelFilterOptions key = filter_options(options);
  return cache.get(key, [&] { return std::make_shared<const MelFilterBank>(mel_filter_bank(key)); });
}

}  // namespace singerprint
