#include "dsp/power_spectrum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <random>
#include <vector>

#include "dsp/window.h"

namespace singerprint {
namespace {

// (bins): the power of one frame in double.
std::vector<double> reference(const float* frame, std::int64_t n_fft) {
  std::vector<double> windowed = hann_window(n_fft);
  for (std::size_t n = 0; n < windowed.size(); ++n) windowed[n] *= frame[n];
  std::vector<std::complex<double>> bins(windowed.size() / 2 + 1);
  RfftPlan(n_fft).forward(windowed.data(), bins.data());
  std::vector<double> power;
  for (const auto& bin : bins) power.push_back(std::norm(bin));
  return power;
}

struct Frames {
  explicit Frames(std::int64_t n_fft) : samples(static_cast<std::size_t>(n_fft * PowerSpectrum::frames_at_once())) {
    for (int f = 0; f < PowerSpectrum::frames_at_once(); ++f) pointers.push_back(samples.data() + f * n_fft);
  }
  std::vector<float> samples;
  std::vector<const float*> pointers;
};

class PowerSpectrumSize : public testing::TestWithParam<std::int64_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, PowerSpectrumSize,
                         testing::Values(2, 16, 64, 400, 1018, 384, 256, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144,
                                         8192));

TEST_P(PowerSpectrumSize, EqualsTheTransformInDouble) {
  const std::int64_t n_fft = GetParam();
  const int lanes = PowerSpectrum::frames_at_once();
  Frames frames(n_fft);
  std::mt19937 generator(0);
  std::normal_distribution<float> normal;
  for (float& sample : frames.samples) sample = normal(generator);
  const PowerSpectrum spectrum(n_fft);
  PowerSpectrum::Worker worker(spectrum);
  const float* const power = worker(frames.pointers.data());
  for (int f = 0; f < lanes; ++f) {
    const std::vector<double> expected = reference(frames.pointers[static_cast<std::size_t>(f)], n_fft);
    const double loudest = std::sqrt(*std::max_element(expected.begin(), expected.end()));
    // An amplitude carries eps sqrt(log2 n_fft) of the loudest (random signs of the roundings), 4 sigma.
    const double tolerance = 4.0 * 6e-8 * std::sqrt(std::log2(static_cast<double>(n_fft))) * loudest;
    for (std::size_t k = 0; k < expected.size(); ++k) {
      EXPECT_NEAR(
          std::sqrt(static_cast<double>(power[k * static_cast<std::size_t>(lanes) + static_cast<std::size_t>(f)])),
          std::sqrt(expected[k]), tolerance)
          << "bin " << k << " of frame " << f;
    }
  }
}

TEST_P(PowerSpectrumSize, AFrameKnowsNothingOfItsNeighbours) {
  const std::int64_t n_fft = GetParam();
  const auto lanes = static_cast<std::size_t>(PowerSpectrum::frames_at_once());
  Frames frames(n_fft);
  float* const loud = frames.samples.data() + n_fft;
  for (std::int64_t n = 0; n < n_fft; ++n) loud[n] = n % 3 == 0 ? 1e4f : -5e3f;
  const PowerSpectrum spectrum(n_fft);
  PowerSpectrum::Worker worker(spectrum);
  const float* const power = worker(frames.pointers.data());
  for (std::size_t k = 0; k <= static_cast<std::size_t>(n_fft / 2); ++k) {
    for (std::size_t f = 0; f < lanes; ++f) {
      if (f == 1) continue;
      EXPECT_EQ(power[k * lanes + f], 0.0f);
    }
  }
}

TEST(PowerSpectrum, AConstantLiesInTheFirstTwoBins) {
  Frames frames(2048);
  std::fill(frames.samples.begin(), frames.samples.end(), 1.0f);
  const PowerSpectrum spectrum(2048);
  PowerSpectrum::Worker worker(spectrum);
  const float* const power = worker(frames.pointers.data());
  const int lanes = PowerSpectrum::frames_at_once();
  EXPECT_NEAR(power[0], 1024.0 * 1024.0, 1.0);                         // the sum of the window, squared; 1e-6 relative
  EXPECT_NEAR(power[lanes], 512.0 * 512.0, 0.25);                      // a Hann window's neighbour bin is half as high
  for (int k = 2; k <= 1024; ++k) EXPECT_LT(power[k * lanes], 1e-6f);  // (1e-6 of the amplitude 1024)^2
}

struct Lags {
  std::size_t n_fft, lags;
};
class AutocorrelationSize : public testing::TestWithParam<Lags> {};
INSTANTIATE_TEST_SUITE_P(Sizes, AutocorrelationSize,
                         testing::Values(Lags{256, 1}, Lags{256, 128}, Lags{512, 200}, Lags{768, 193}, Lags{1024, 512},
                                         Lags{1536, 377}, Lags{2048, 377}, Lags{4096, 2048}));

TEST_P(AutocorrelationSize, EqualsTheObviousLoops) {
  const auto [n_fft, lags] = GetParam();
  const std::size_t length = n_fft - lags + 1, lanes = static_cast<std::size_t>(PowerSpectrum::frames_at_once());
  std::vector<double> window = hann_window(static_cast<std::int64_t>(length));
  window.resize(n_fft, 0.0);
  Frames frames(static_cast<std::int64_t>(n_fft));
  std::mt19937 generator(0);
  std::normal_distribution<float> normal;
  for (float& sample : frames.samples) sample = normal(generator);
  const PowerSpectrum spectrum(window, static_cast<std::int64_t>(length));
  PowerSpectrum::Worker worker(spectrum);
  const float* const found = worker.autocorrelation(frames.pointers.data(), static_cast<std::int32_t>(lags));
  for (const std::size_t f : {std::size_t{0}, lanes - 1}) {
    std::vector<double> x = window, expected(lags);
    for (std::size_t n = 0; n < n_fft; ++n) x[n] *= frames.pointers[f][n];
    for (std::size_t lag = 0; lag < lags; ++lag) {
      for (std::size_t n = 0; n + lag < length; ++n) expected[lag] += x[n] * x[n + lag];
    }
    // A transform adds eps sqrt(log2 n_fft) of the whole; the way there counts twice, as it is squared.
    const double tolerance = 3.0 * 6e-8 * std::sqrt(std::log2(static_cast<double>(n_fft))) * expected[0];
    for (std::size_t lag = 0; lag < lags; ++lag) {
      EXPECT_NEAR(found[lag * lanes + f], expected[lag], tolerance) << "lag " << lag << " of frame " << f;
    }
  }
}

}  // namespace
}  // namespace singerprint
