#include "frontend/log_mel_tensors.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace singerprint {
namespace {

// Every option away from its default somewhere; 120 is no power of two.
std::vector<LogMelOptions> configurations() {
  return {{8000.0, 64, 16, 5, 0.0, 4000.0, "htk", "none", 1e-6, "hann", 64, true, true, "reflect", 2, "ln", 0.0},
          {8000.0, 120, 37, 8, 50.0, 3500.0, "slaney", "area", 1e-3, "hamming", 81, false, true, "zeros", 1, "db", 0.0},
          {8000.0, 64, 70, 4, 0.0, 4000.0, "htk", "slaney", 0.0, "hann", 50, true, false, "reflect", 1, "none", 0.0},
          {8000.0, 120, 30, 6, 0.0, 4000.0, "slaney", "none", 0.0, "hann", 120, true, false, "zeros", 2, "ln", 2.0}};
}

class LogMelTensors : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Options, LogMelTensors, testing::Values(0, 1, 2, 3));

TEST_P(LogMelTensors, GradientIsTheSlope) {
  const LogMelOptions options = configurations()[GetParam()];
  at::manual_seed(0);
  const at::Tensor waveforms = at::randn({2, 300}, at::kDouble), way = at::randn({2, 300}, at::kDouble);
  const at::Tensor weights = at::randn_like(log_mel_of_tensors(waveforms, options));
  const auto loss = [&](double step) {
    return (log_mel_of_tensors(waveforms + step * way, options) * weights).sum().item<double>();
  };
  const double slope = (log_mel_gradient(weights, waveforms, options) * way).sum().item<double>();
  constexpr double kStep = 1e-5;  // central differences: errors of step^2 and of 1e-16 / step, each near 1e-10
  EXPECT_NEAR((loss(kStep) - loss(-kStep)) / (2.0 * kStep), slope, 1e-6 * (1.0 + std::fabs(slope)));
}

TEST_P(LogMelTensors, OfSilenceTheGradientIsFinite) {
  LogMelOptions options = configurations()[GetParam()];
  if (options.log != "none") options.log_offset = 1e-3;
  const at::Tensor waveforms = at::zeros({1, 300}, at::kDouble);
  const at::Tensor gradient = at::ones_like(log_mel_of_tensors(waveforms, options));
  EXPECT_TRUE(log_mel_gradient(gradient, waveforms, options).isfinite().all().item<bool>());
}

}  // namespace
}  // namespace singerprint
