#include "dsp/smooth_power.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <random>
#include <vector>

#include "dsp/window.h"

namespace singerprint {
namespace {

// 18: an odd half, whose last group of lanes begins within the first.
class SmoothPowerSize : public testing::TestWithParam<std::int64_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, SmoothPowerSize, testing::Values(16, 18, 20, 30, 70, 98, 400, 600, 800, 1200, 1764));

TEST_P(SmoothPowerSize, EqualsTheTransform) {
  const std::int64_t n_fft = GetParam();
  const auto size = static_cast<std::size_t>(n_fft);
  const auto lanes = static_cast<std::size_t>(SINGERPRINT_LANES(fourier_lane_count)());
  std::mt19937 generator(0);
  std::normal_distribution<float> normal;
  std::vector<float> samples(lanes * size);
  for (float& sample : samples) sample = normal(generator);
  std::vector<const float*> frames;
  for (std::size_t f = 0; f < lanes; ++f) frames.push_back(samples.data() + f * size);
  const std::vector<double> window = hann_window(n_fft);
  const SmoothPower spectrum(window);
  SmoothPower::Worker worker(spectrum);
  AlignedFloats power(static_cast<std::int64_t>(lanes * (size / 2 + 1)));
  worker(frames.data(), power.data());
  for (const std::size_t f : {std::size_t{0}, lanes - 1}) {
    double energy = 0.0;
    for (std::size_t n = 0; n < size; ++n) energy += std::pow(window[n] * static_cast<double>(frames[f][n]), 2);
    for (std::size_t k = 0; k <= size / 2; ++k) {
      std::complex<double> bin = 0.0;
      for (std::size_t n = 0; n < size; ++n) {
        const double angle = -2.0 * std::numbers::pi * static_cast<double>(k * n % size) / static_cast<double>(size);
        bin += window[n] * static_cast<double>(frames[f][n]) * std::polar(1.0, angle);
      }
      // A bin's amplitude errs by eps sqrt(log2 n_fft) of the root of the energy, here at four deviations.
      const double error = 4.0 * 6e-8 * std::sqrt(std::log2(static_cast<double>(size)) * energy);
      EXPECT_NEAR(std::sqrt(power.data()[k * lanes + f]), std::abs(bin), error + 1e-6 * std::abs(bin)) << k;
    }
  }
}

TEST(SmoothPower, IsPossibleWithoutLargePrimeFactors) {
  for (const std::int64_t n_fft : {16, 400, 800, 882, 1764}) EXPECT_TRUE(SmoothPower::is_possible(n_fft)) << n_fft;
  for (const std::int64_t n_fft : {14, 15, 22, 26, 1102}) EXPECT_FALSE(SmoothPower::is_possible(n_fft)) << n_fft;
}

}  // namespace
}  // namespace singerprint
