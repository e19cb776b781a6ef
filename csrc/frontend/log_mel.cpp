#include "frontend/log_mel.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "core/cache.h"
#include "core/cuda.h"
#include "core/device_table.h"
#include "core/parts.h"
#include "core/precompiled.h"
#include "dsp/power_spectrum.h"
#include "dsp/rfft.h"
#include "dsp/twiddle.h"
#include "frontend/log_mel_options.h"
#include "frontend/log_mel_tensors.h"

namespace singerprint {
namespace {

constexpr std::size_t kCachedConfigurations = 64;

at::Tensor check_and_allocate(const at::Tensor& waveforms, const LogMelOptions& options) {
  const c10::SymInt frames = checked_frames(waveforms, options);
  return at::empty_symint({waveforms.sym_size(0), options.n_mels, frames}, waveforms.options());
}

// n_fft samples from `start` on: in the waveform, or where they reach over an end of it written out to `edge`.
template <class Number>
const Number* frame_at(const Number* waveform, std::int64_t samples, std::int64_t start, const LogMelOptions& options,
                       Number* edge) {
  if (start >= 0 && start + options.n_fft <= samples) return waveform + start;
  const Padding padding = padding_of(options);
  for (std::int64_t n = 0; n < options.n_fft; ++n) edge[n] = padded_sample(waveform, samples, start + n, padding);
  return edge;
}

std::shared_ptr<const PowerSpectrum> power_spectrum(const LogMelOptions& options) {
  static Cache<WindowOptions, PowerSpectrum> cache(kCachedConfigurations);
  const WindowOptions key = window_options(options);
  return cache.get(key, [&] { return std::make_shared<const PowerSpectrum>(frame_window(key), key.n_fft); });
}

// Several frames at once, side by side in lanes.
void compute_floats(const at::Tensor& source, const LogMelOptions& options, at::Tensor& result) {
  const std::int64_t samples = source.size(1), mels = result.size(1), frames = result.size(2);
  const auto bank = filter_bank(options);
  const std::vector<float> weights(bank->weights.begin(), bank->weights.end());
  const MelFilters filters{static_cast<std::int32_t>(mels), bank->first_bin.data(), bank->begin.data(), weights.data()};
  const MelLevel<float> level = level_options<float>(options);
  const auto spectrum = power_spectrum(options);
  const auto lanes = SINGERPRINT_LANES(log_mel_lanes);
  const std::int64_t at_once = PowerSpectrum::frames_at_once(), blocks = parts_of(frames, at_once);
  const float* const from = source.const_data_ptr<float>();
  float* const to = result.mutable_data_ptr<float>();
  at::parallel_for(0, source.size(0) * blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    PowerSpectrum::Worker worker(*spectrum);
    std::vector<float> edges(static_cast<std::size_t>(at_once * options.n_fft));
    std::vector<const float*> pointers(static_cast<std::size_t>(at_once));
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t b = block / blocks, first = block % blocks * at_once;
      for (std::int64_t lane = 0; lane < at_once; ++lane) {  // those beyond the last frame repeat it
        const std::int64_t frame = std::min(first + lane, frames - 1);
        pointers[lane] = frame_at(from + b * samples, samples, frame * options.hop_length - samples_before(options),
                                  options, edges.data() + lane * options.n_fft);
      }
      lanes(worker(pointers.data()), filters, options.power == 1, level, std::min(at_once, frames - first), frames,
            to + b * mels * frames + first);
    }
  });
}

void compute_doubles(const at::Tensor& source, const LogMelOptions& options, at::Tensor& result) {
  const std::int64_t samples = source.size(1), mels = result.size(1), frames = result.size(2);
  const auto bank = filter_bank(options);
  const std::vector<double> window = frame_window(window_options(options));
  const MelLevel<double> level = level_options<double>(options);
  const double* const from = source.const_data_ptr<double>();
  double* const to = result.mutable_data_ptr<double>();
  at::parallel_for(0, source.size(0) * frames, 1, [&](std::int64_t begin, std::int64_t end) {
    RfftPlan plan(options.n_fft);
    std::vector<double> edge(window.size()), windowed(window.size()), bins(window.size() / 2 + 1);
    std::vector<std::complex<double>> spectrum(bins.size());
    for (std::int64_t index = begin; index < end; ++index) {
      const std::int64_t b = index / frames, frame = index % frames;
      const double* const samples_of_frame = frame_at(
          from + b * samples, samples, frame * options.hop_length - samples_before(options), options, edge.data());
      for (std::size_t n = 0; n < window.size(); ++n) windowed[n] = window[n] * samples_of_frame[n];
      plan.forward(windowed.data(), spectrum.data());
      for (std::size_t k = 0; k < bins.size(); ++k) {
        bins[k] = options.power == 2 ? std::norm(spectrum[k]) : std::abs(spectrum[k]);
      }
      for (std::int64_t m = 0; m < mels; ++m) {
        double sum = 0.0;
        for (std::int32_t i = bank->begin[m]; i < bank->begin[m + 1]; ++i) {
          sum += bank->weights[i] * bins[bank->first_bin[m] + i - bank->begin[m]];
        }
        to[(b * mels + m) * frames + frame] = level_of(sum, level);
      }
    }
  });
}

// A sample that is not finite spoils all bins of its frames, and every filter holds bins: the first one tells. (CUDA
// lets NaN pass: there the host would have to wait for the answer.)
template <class Number>
void refuse_spoiled_frames(const at::Tensor& result) {
  const std::int64_t mels = result.size(1), frames = result.size(2);
  const Number* const levels = result.const_data_ptr<Number>();
  for (std::int64_t b = 0; b < result.size(0); ++b) {
    const Number* const row = levels + b * mels * frames;
    for (std::int64_t frame = 0; frame < frames; ++frame) {
      TORCH_CHECK_VALUE(row[frame] < std::numeric_limits<Number>::infinity(),
                        "log_mel: waveforms must have a finite spectrum, got NaN or infinity in clip ", b, ", frame ",
                        frame);
    }
  }
}

at::Tensor compute_on_cpu(const at::Tensor& waveforms, const LogMelOptions& options) {
  at::Tensor result = check_and_allocate(waveforms, options);
  const at::Tensor source = waveforms.contiguous();
  if (waveforms.scalar_type() == at::kDouble) {
    compute_doubles(source, options, result);
    refuse_spoiled_frames<double>(result);
  } else {
    compute_floats(source, options, result);
    refuse_spoiled_frames<float>(result);
  }
  return result;
}

// The tables of a configuration in the memory of a device.
struct DeviceTables {
  at::Tensor half_window, twiddles, first_bin, begin, weights;
};

[[maybe_unused]] std::shared_ptr<const DeviceTables> device_tables(const LogMelOptions& options, c10::Device device) {
  // Never emptied, never destroyed: a kernel may still read a table, and at exit CUDA is gone before the statics.
  static auto& cache = *new Cache<std::tuple<MelFilterOptions, WindowOptions, int>, DeviceTables>(SIZE_MAX);
  return cache.get({filter_options(options), window_options(options), device.index()}, [&] {
    std::vector<float> half_window, twiddles;
    for (const double weight : frame_window(window_options(options))) {
      half_window.push_back(static_cast<float>(0.5 * weight));
    }
    for (std::int64_t k = 0; k < options.n_fft; ++k) push_twiddle(twiddles, k, options.n_fft);
    const auto bank = filter_bank(options);
    const std::vector<float> weights(bank->weights.begin(), bank->weights.end());
    return std::make_shared<const DeviceTables>(
        DeviceTables{on_device(half_window, at::kFloat, device), on_device(twiddles, at::kFloat, device),
                     on_device(bank->first_bin, at::kInt, device), on_device(bank->begin, at::kInt, device),
                     on_device(weights, at::kFloat, device)});
  });
}

// The kernel transforms powers of two in float32; what else there is goes through cuFFT.
[[maybe_unused]] at::Tensor compute_on_cuda(const at::Tensor& waveforms, const LogMelOptions& options) {
  const bool power_of_two = (options.n_fft & (options.n_fft - 1)) == 0;
  if (waveforms.numel() > 0 && !(waveforms.scalar_type() == at::kFloat && power_of_two)) {
    checked_frames(waveforms, options);
    return log_mel_of_tensors(waveforms, options);
  }
  at::Tensor result = check_and_allocate(waveforms, options);
  if (result.numel() == 0) return result;
  const c10::DeviceGuard guard(waveforms.device());
  const auto held = device_tables(options, waveforms.device());
  const LogMelTables tables{static_cast<std::int32_t>(options.n_fft),
                            static_cast<std::int32_t>(samples_before(options)),
                            padding_of(options),
                            options.power == 1,
                            held->half_window.const_data_ptr<float>(),
                            held->twiddles.const_data_ptr<float>(),
                            {static_cast<std::int32_t>(options.n_mels), held->first_bin.const_data_ptr<std::int32_t>(),
                             held->begin.const_data_ptr<std::int32_t>(), held->weights.const_data_ptr<float>()},
                            level_options<float>(options)};
  const at::Tensor source = waveforms.contiguous();
  check_launch("log_mel",
               launch_log_mel(source.const_data_ptr<float>(), source.size(0), source.size(1), options.hop_length,
                              result.size(2), tables, result.mutable_data_ptr<float>(), current_stream(waveforms)));
  return result;
}

// The gradient is that of the result, (batch, mels, frames).
at::Tensor check_gradient(const at::Tensor& gradient, const at::Tensor& waveforms, const LogMelOptions& options) {
  const c10::SymInt frames = checked_frames(waveforms, options);
  TORCH_CHECK_VALUE(gradient.dim() == 3 && gradient.sym_size(0) == waveforms.sym_size(0) &&
                        gradient.sym_size(1) == options.n_mels && gradient.sym_size(2) == frames,
                    "log_mel_backward: gradient must have shape (batch, mels, frames) = [", waveforms.sym_size(0), ", ",
                    options.n_mels, ", ", frames, "], got ", gradient.sym_sizes());
  return at::empty_symint(waveforms.sym_sizes(), waveforms.options());
}

at::Tensor compute_gradient(const at::Tensor& gradient, const at::Tensor& waveforms, const LogMelOptions& options) {
  const at::Tensor empty = check_gradient(gradient, waveforms, options);
  return empty.numel() == 0 ? empty : log_mel_gradient(gradient, waveforms, options);
}

std::tuple<at::Tensor, at::Tensor> checked_tables(const LogMelOptions& options) {
  constexpr std::int64_t kEnoughSamples = std::int64_t{1} << 16;  // for any frame
  checked_frames(at::empty({1, kEnoughSamples}, at::TensorOptions(at::kMeta)), options);
  return log_mel_tables(options);
}

// The options one by one, as the dispatcher has them.
template <auto kCompute, class... Tensors>
auto with_options(const Tensors&... tensors, double sample_rate_hz, std::int64_t n_fft, std::int64_t hop_length,
                  std::int64_t n_mels, double fmin_hz, double fmax_hz, std::string_view mel_scale,
                  std::string_view mel_norm, double log_offset, std::string_view window, std::int64_t window_length,
                  bool periodic, bool centred, std::string_view padding, std::int64_t power, std::string_view log,
                  double log_floor) {
  return kCompute(tensors..., {sample_rate_hz, n_fft, hop_length, n_mels, fmin_hz, fmax_hz, mel_scale, mel_norm,
                               log_offset, window, window_length, periodic, centred, padding, power, log, log_floor});
}

}  // namespace

#define SINGERPRINT_LOG_MEL_OPTIONS                                                                            \
  "float sample_rate_hz, int n_fft, int hop_length, int n_mels, float fmin_hz, float fmax_hz, str mel_scale, " \
  "str mel_norm, float log_offset, str window, int window_length, bool periodic, bool centred, str padding, "  \
  "int power, str log, float log_floor)"

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("log_mel(Tensor waveforms, " SINGERPRINT_LOG_MEL_OPTIONS " -> Tensor");
  library.def("log_mel_backward(Tensor gradient, Tensor waveforms, " SINGERPRINT_LOG_MEL_OPTIONS " -> Tensor");
  // For who computes it by operators of a framework (log_mel_tensors.h): window and filters, on the CPU in double.
  library.def("log_mel_tables(" SINGERPRINT_LOG_MEL_OPTIONS " -> (Tensor window, Tensor filters)",
              &with_options<&checked_tables>);
}
#define SINGERPRINT_LOG_MEL(key, compute, compute_gradient)                                     \
  TORCH_LIBRARY_IMPL(singerprint, key, library) {                                               \
    library.impl("log_mel", &with_options<&compute, at::Tensor>);                               \
    library.impl("log_mel_backward", &with_options<&compute_gradient, at::Tensor, at::Tensor>); \
  }

SINGERPRINT_LOG_MEL(Meta, check_and_allocate, check_gradient)
SINGERPRINT_LOG_MEL(CPU, compute_on_cpu, compute_gradient)
#if SINGERPRINT_HAS_CUDA
SINGERPRINT_LOG_MEL(CUDA, compute_on_cuda, compute_gradient)
#else
SINGERPRINT_REGISTER_CUDA(log_mel)
SINGERPRINT_REGISTER_CUDA(log_mel_backward)
#endif
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {  // log_mel's own is log_mel_backward, registered in Python
  library.impl("log_mel_backward", torch::autograd::autogradNotImplementedFallback());
}

}  // namespace singerprint
