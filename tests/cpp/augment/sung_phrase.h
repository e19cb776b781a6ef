// Voices as tensors for the tests of ops that follow them, and how far two results are apart.
#pragma once
#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <numbers>

namespace singerprint {

// A sung phrase: vibrato, two formants, fading in and out between stretches of breath.
inline at::Tensor phrase(double hz, double sample_rate_hz, std::int64_t samples, std::uint64_t seed) {
  const at::Tensor seconds = at::arange(samples, at::kDouble) / sample_rate_hz;
  const at::Tensor turns = hz * (seconds + 0.0015 * at::sin(2.0 * std::numbers::pi * 5.3 * seconds));
  at::Tensor voice = at::zeros({samples}, at::kDouble);
  for (int k = 1; k * hz < 0.4 * sample_rate_hz; ++k) {
    const double first = (k * hz - 700.0) / 150.0, second = (k * hz - 1700.0) / 250.0;
    const double level = 1.0 / (1.0 + first * first) + 0.5 / (1.0 + second * second) + 0.02;
    voice += level * at::sin(2.0 * std::numbers::pi * k * turns + 0.3 * k * k);
  }
  const at::Tensor swell = at::sin(2.0 * std::numbers::pi * 1.3 * seconds + 0.4).clamp(0.0, 0.6);
  at::manual_seed(seed);
  return (0.2 * voice * swell + 2e-3 * at::randn({samples}, at::kDouble)).to(at::kFloat);
}

inline double decibels(const at::Tensor& signal, const at::Tensor& other) {
  const double noise = (signal.to(at::kDouble) - other).square().sum().item<double>();
  return 10.0 * std::log10(signal.to(at::kDouble).square().sum().item<double>() / (noise + 1e-30));
}

}  // namespace singerprint
