// log_mel by PyTorch's own operators, on any device, where there is no kernel; and its derivative.
//   dL/dbin[k]      = sum_m weight[m, k] dL/dy[m] factor / (sum + offset), 0 where the floor is
//   dL/dX[k]        = 2 X[k] dL/dbin[k] (power 2) or X[k] / |X[k]| dL/dbin[k] (power 1; 0 where X is)
//   dL/dframe[n]    = window[n] Re sum_k dL/dX[k] exp(2 pi i k n / n_fft)
//   dL/dwaveform[i] = sum over the frames, and over the mirror images, that read sample i
#pragma once
#include <ATen/core/Tensor.h>

#include <tuple>

#include "frontend/log_mel_options.h"

namespace singerprint {

// What such operators need, on the CPU in double: the window of a frame (n_fft), and the filters (mels, bins).
std::tuple<at::Tensor, at::Tensor> log_mel_tables(const LogMelOptions& options);

at::Tensor log_mel_of_tensors(const at::Tensor& waveforms, const LogMelOptions& options);
// gradient: (batch, mels, frames); returns (batch, samples).
at::Tensor log_mel_gradient(const at::Tensor& gradient, const at::Tensor& waveforms, const LogMelOptions& options);

}  // namespace singerprint
