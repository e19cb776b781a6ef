// Argument checks of the ops and their wording: `<op>: <argument> must <rule>, got <value>`.
// They run in every <op>_meta, so sizes are read as SymInt: torch.compile may not know them yet.
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

namespace singerprint {

inline void check_dtype(const char* op, const char* argument, const at::Tensor& tensor, at::ScalarType dtype) {
  TORCH_CHECK_TYPE(tensor.scalar_type() == dtype, op, ": ", argument, " must have dtype ", dtype, ", got ",
                   tensor.scalar_type());
}

// waveforms: (batch, samples) float32.
inline void check_waveforms(const char* op, const at::Tensor& waveforms) {
  TORCH_CHECK_VALUE(waveforms.dim() == 2, op, ": waveforms must have shape (batch, samples), got ",
                    waveforms.sym_sizes());
  check_dtype(op, "waveforms", waveforms, at::kFloat);
}

// (batch, samples) float32 or float64.
inline void check_real_waveforms(const char* op, const at::Tensor& waveforms, const char* argument = "waveforms") {
  TORCH_CHECK_VALUE(waveforms.dim() == 2, op, ": ", argument, " must have shape (batch, samples), got ",
                    waveforms.sym_sizes());
  TORCH_CHECK_TYPE(waveforms.scalar_type() == at::kFloat || waveforms.scalar_type() == at::kDouble, op, ": ", argument,
                   " must have dtype Float or Double, got ", waveforms.scalar_type());
}

inline void check_same_device(const char* op, const char* argument, const at::Tensor& tensor, const at::Tensor& first) {
  TORCH_CHECK_VALUE(tensor.device() == first.device(), op, ": ", argument, " must be on the device ", first.device(),
                    ", got ", tensor.device());
}

// One value a clip: shape (batch,), on the device of the waveforms.
inline void check_per_clip(const char* op, const char* argument, const at::Tensor& tensor, at::ScalarType dtype,
                           const at::Tensor& waveforms) {
  TORCH_CHECK_VALUE(tensor.dim() == 1 && tensor.sym_size(0) == waveforms.sym_size(0), op, ": ", argument,
                    " must have shape (batch,) with batch = ", waveforms.sym_size(0), ", got ", tensor.sym_sizes());
  check_dtype(op, argument, tensor, dtype);
  check_same_device(op, argument, tensor, waveforms);
}

// The sample rates of ops that follow a voice: below, its harmonics are missing; NaN is outside too.
inline void check_voice_sample_rate(const char* op, double sample_rate_hz) {
  constexpr double kLowestHz = 8000.0, kHighestHz = 192000.0;
  TORCH_CHECK_VALUE(sample_rate_hz >= kLowestHz && sample_rate_hz <= kHighestHz, op, ": sample_rate_hz must be in [",
                    kLowestHz, ", ", kHighestHz, "], got ", sample_rate_hz);
}

// Values, (batch,) int64 contiguous on the CPU; elsewhere to look at them would wait for the device.
inline void check_not_negative(const char* op, const char* argument, const at::Tensor& values) {
  const std::int64_t* const value = values.const_data_ptr<std::int64_t>();
  for (std::int64_t b = 0; b < values.size(0); ++b) {
    TORCH_CHECK_VALUE(value[b] >= 0, op, ": ", argument, " must not be negative, got ", value[b]);
  }
}

}  // namespace singerprint
