// What log_mel is asked for, beside the waveforms: the options as its schema has them, their rules and their tables.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "dsp/mel_filter_bank.h"
#include "dsp/window.h"
#include "frontend/log_mel.h"

namespace singerprint {

struct LogMelOptions {
  double sample_rate_hz;
  std::int64_t n_fft, hop_length, n_mels;
  double fmin_hz, fmax_hz;
  std::string_view mel_scale, mel_norm;
  double log_offset;
  std::string_view window;
  std::int64_t window_length;
  bool periodic, centred;
  std::string_view padding;
  std::int64_t power;
  std::string_view log;
  double log_floor;
};

// Checks all of it; returns the frames.
c10::SymInt checked_frames(const at::Tensor& waveforms, const LogMelOptions& options);

MelFilterOptions filter_options(const LogMelOptions& options);
WindowOptions window_options(const LogMelOptions& options);
std::shared_ptr<const MelFilterBank> filter_bank(const LogMelOptions& options);

inline std::int64_t samples_before(const LogMelOptions& options) { return options.centred ? options.n_fft / 2 : 0; }
inline Padding padding_of(const LogMelOptions& options) {
  return options.padding == "reflect" ? Padding::kReflect : Padding::kZeros;
}

template <class Number>
MelLevel<Number> level_options(const LogMelOptions& options) {
  constexpr double kDecibels = 4.342944819032518;  // 10 / ln 10, of powers
  const double factor = options.log == "none" ? 0.0 : options.log == "ln" ? 1.0 : 2.0 / options.power * kDecibels;
  return {static_cast<Number>(factor), static_cast<Number>(options.log_offset), static_cast<Number>(options.log_floor)};
}

}  // namespace singerprint
