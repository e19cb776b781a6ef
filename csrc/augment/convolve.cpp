#include "augment/convolve.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/check.h"
#include "core/parts.h"
#include "core/precompiled.h"

namespace singerprint {
namespace {

at::Tensor convolve_meta(const at::Tensor& waveforms, const at::Tensor& impulse_responses) {
  check_waveforms("convolve", waveforms);
  TORCH_CHECK_VALUE(impulse_responses.dim() == 2 && impulse_responses.sym_size(0) == waveforms.sym_size(0),
                    "convolve: impulse_responses must have shape (batch, taps) with batch = ", waveforms.sym_size(0),
                    ", got ", impulse_responses.sym_sizes());
  TORCH_CHECK_VALUE(impulse_responses.sym_size(1) >= 1, "convolve: impulse_responses must have at least 1 tap, got 0");
  check_dtype("convolve", "impulse_responses", impulse_responses, at::kFloat);
  check_same_device("convolve", "impulse_responses", impulse_responses, waveforms);
  return at::empty_symint(waveforms.sym_sizes(), waveforms.options());
}

// The CPU's and CUDA's kernel.
at::Tensor convolve_by_fft(const at::Tensor& waveforms, const at::Tensor& impulse_responses) {
  at::Tensor result = convolve_meta(waveforms, impulse_responses);
  const std::int64_t batch = waveforms.size(0), samples = waveforms.size(1);
  if (result.numel() == 0) return result;
  const std::int64_t taps = std::min(impulse_responses.size(1), samples);  // the others would end beyond the waveform
  const std::int64_t size = overlap_save_size(samples, taps), fresh = size - taps + 1;
  const std::int64_t blocks = parts_of(samples, fresh);
  const at::Tensor response = at::fft_rfft(impulse_responses.narrow(1, 0, taps), size);
  const at::Tensor padded = at::constant_pad_nd(waveforms, {taps - 1, blocks * fresh - samples});
  at::Tensor spectra = at::fft_rfft(padded.unfold(1, size, fresh));  // (batch, blocks, size / 2 + 1)
  spectra.mul_(response.unsqueeze(1));
  const at::Tensor made = at::fft_irfft(spectra, size).narrow(2, taps - 1, fresh);
  return result.copy_(made.reshape({batch, blocks * fresh}).narrow(1, 0, samples));
}

}  // namespace

std::int64_t overlap_save_size(std::int64_t samples, std::int64_t taps) {
  const std::int64_t largest = 2 * (samples + taps);
  std::int64_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (const std::int64_t odd : {1, 3, 5, 9, 15, 25, 27, 45, 75, 81, 125, 135}) {
    for (std::int64_t size = 2 * odd; size <= largest; size *= 2) {
      if (size < taps) continue;
      const std::int64_t fresh = size - taps + 1, blocks = parts_of(samples, fresh);
      const double work = static_cast<double>((2 * blocks + 1) * size) * std::log2(static_cast<double>(size));
      if (work < least) {
        least = work;
        best = size;
      }
    }
  }
  return best;
}

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("convolve(Tensor waveforms, Tensor impulse_responses) -> Tensor");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) { library.impl("convolve", &convolve_meta); }
TORCH_LIBRARY_IMPL(singerprint, CPU, library) { library.impl("convolve", &convolve_by_fft); }
TORCH_LIBRARY_IMPL(singerprint, CUDA, library) { library.impl("convolve", &convolve_by_fft); }
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("convolve", torch::autograd::autogradNotImplementedFallback());
}

}  // namespace singerprint
