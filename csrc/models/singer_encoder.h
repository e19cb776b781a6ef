// SingerEncoder: a trained encoder in a C++ program, from the folder that Python's save_model wrote. It gives what
// Python's SingerEncoder gives: log-mel, normalisation and EfficientNet-B0, by the same operators.
//
//   const singerprint::SingerEncoder encoder("runs/first");
//   at::Tensor embedding = encoder.embed(samples, 48000);  // (dim,)
//
// Safe to call from several threads.
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

namespace singerprint {

// Visible: all else of the shared library is hidden.
class __attribute__((visibility("default"))) SingerEncoder {
 public:
  // Reads encoder.safetensors and encoder.json of `folder`. Throws std::runtime_error, which names the file, where one
  // is missing, damaged, or describes another network.
  explicit SingerEncoder(const std::string& folder);

  std::int64_t dim() const;
  std::int64_t sample_rate_hz() const;

  // waveforms: (batch, samples) float32 at sample_rate_hz(), on the CPU, at least 0.1 s. Returns (batch, dim), in eval
  // mode and without gradients. Throws c10::ValueError or c10::TypeError.
  at::Tensor embed_batch(const at::Tensor& waveforms) const;

  // waveform: (samples) float32 of that rate, at least 0.1 s, finite. Longer ones than the encoder's window are the
  // mean over evenly spaced windows. Returns (dim).
  at::Tensor embed(const at::Tensor& waveform, std::int64_t waveform_rate_hz) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace singerprint
