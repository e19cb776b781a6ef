#include "frontend/log_mel_tensors.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/reflection_pad1d.h>
#include <ATen/ops/reflection_pad1d_backward.h>
#include <ATen/ops/unfold_backward.h>
#include <ATen/ops/view_as_complex.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "core/device_table.h"
#include "core/precompiled.h"

namespace singerprint {
namespace {

// On the waveforms' device, in their dtype: (n_fft) and (mels, bins).
struct Tables {
  at::Tensor window, filters;
};

// (mels, bins), row by row
std::vector<double> dense_filters(const LogMelOptions& options) {
  const auto bank = filter_bank(options);
  const std::int64_t bins = options.n_fft / 2 + 1;
  std::vector<double> dense(static_cast<std::size_t>(options.n_mels * bins));
  for (std::int64_t m = 0; m < options.n_mels; ++m) {
    for (std::int32_t i = bank->begin[m]; i < bank->begin[m + 1]; ++i) {
      dense[m * bins + bank->first_bin[m] + i - bank->begin[m]] = bank->weights[i];
    }
  }
  return dense;
}

Tables tables_of(const at::Tensor& waveforms, const LogMelOptions& options) {
  const auto place = [&](const std::vector<double>& numbers) {
    return on_device(numbers, at::kDouble, waveforms.device()).to(waveforms.scalar_type());
  };
  return {place(frame_window(window_options(options))), place(dense_filters(options)).view({options.n_mels, -1})};
}

// (batch, frames, bins), complex
at::Tensor spectrum_of(const at::Tensor& waveforms, const LogMelOptions& options, const at::Tensor& window) {
  const std::int64_t before = samples_before(options);
  at::Tensor padded = waveforms;
  if (before > 0) {
    padded = padding_of(options) == Padding::kReflect ? at::reflection_pad1d(waveforms, {before, before})
                                                      : at::constant_pad_nd(waveforms, {before, before});
  }
  return at::fft_rfft(padded.unfold(1, options.n_fft, options.hop_length) * window);
}

at::Tensor bins_of(const at::Tensor& spectrum, const LogMelOptions& options) {
  const at::Tensor power = at::view_as_real(spectrum).square().sum(-1);
  return options.power == 2 ? power : power.sqrt();
}

// d level / d sum
at::Tensor slope_of(const at::Tensor& sums, const LogMelOptions& options) {
  const MelLevel<double> level = level_options<double>(options);
  if (level.factor == 0.0) return at::ones_like(sums);
  const at::Tensor shifted = sums + level.offset;
  // Of silence without an offset, whose logarithm is -inf, the slope is taken for 0.
  const at::Tensor counts = (shifted >= level.floor).logical_and(shifted > 0.0);
  return at::where(counts, level.factor / shifted, at::zeros_like(shifted));
}

at::Tensor sum_over_frames(const at::Tensor& frames, const at::Tensor& waveforms, const LogMelOptions& options) {
  const std::int64_t before = samples_before(options);
  const std::int64_t batch = waveforms.size(0), samples = waveforms.size(1);
  const at::Tensor padded =
      at::unfold_backward(frames, {batch, samples + 2 * before}, 1, options.n_fft, options.hop_length);
  if (before == 0) return padded;
  return padding_of(options) == Padding::kReflect ? at::reflection_pad1d_backward(padded, waveforms, {before, before})
                                                  : padded.narrow(1, before, samples);
}

}  // namespace

std::tuple<at::Tensor, at::Tensor> log_mel_tables(const LogMelOptions& options) {
  const auto [window, filters] = tables_of(at::empty({0}, at::kDouble), options);
  return {window, filters};
}

at::Tensor log_mel_of_tensors(const at::Tensor& waveforms, const LogMelOptions& options) {
  const auto [window, filters] = tables_of(waveforms, options);
  const at::Tensor bins = bins_of(spectrum_of(waveforms, options, window), options);
  const at::Tensor sums = at::matmul(filters, bins.transpose(1, 2));
  const MelLevel<double> level = level_options<double>(options);
  if (level.factor == 0.0) return sums;
  return (sums + level.offset).clamp_min(level.floor).log() * level.factor;
}

at::Tensor log_mel_gradient(const at::Tensor& gradient, const at::Tensor& waveforms, const LogMelOptions& options) {
  const auto [window, filters] = tables_of(waveforms, options);
  const at::Tensor spectrum = spectrum_of(waveforms, options, window), bins = bins_of(spectrum, options);
  const at::Tensor sums = at::matmul(bins, filters.t());
  const at::Tensor of_bins = at::matmul(gradient.transpose(1, 2) * slope_of(sums, options), filters);
  const at::Tensor scale =
      options.power == 2 ? of_bins * 2.0 : at::where(bins > 0, of_bins / bins, at::zeros_like(bins));
  // The inverse transform divides by n_fft and counts every bin but the first and the last twice.
  at::Tensor share = at::zeros({options.n_fft / 2 + 1}, waveforms.options()).fill_(0.5 * options.n_fft);
  share[0] = share[options.n_fft / 2] = static_cast<double>(options.n_fft);
  const at::Tensor frames = at::fft_irfft(spectrum * (scale * share), options.n_fft) * window;
  return sum_over_frames(frames, waveforms, options);
}

}  // namespace singerprint
