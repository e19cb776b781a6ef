#include "dsp/rfft.h"

#include <gtest/gtest.h>

#include <complex>
#include <numbers>
#include <random>
#include <vector>

namespace singerprint {
namespace {

using Bins = std::vector<std::complex<double>>;

Bins reference(const std::vector<double>& x) {
  Bins bins(x.size() / 2 + 1);
  for (std::size_t k = 0; k < bins.size(); ++k) {
    for (std::size_t n = 0; n < x.size(); ++n) {
      const double turns = static_cast<double>(k * n % x.size()) / static_cast<double>(x.size());
      bins[k] += std::polar(x[n], -2.0 * std::numbers::pi * turns);
    }
  }
  return bins;
}

std::vector<double> noise(std::size_t size) {
  std::mt19937 generator(0);
  std::normal_distribution<double> normal;
  std::vector<double> x(size);
  for (double& value : x) value = normal(generator);
  return x;
}

Bins forward(const std::vector<double>& x) {
  RfftPlan plan(static_cast<std::int64_t>(x.size()));
  Bins bins(x.size() / 2 + 1);
  plan.forward(x.data(), bins.data());
  return bins;
}

class RfftSize : public testing::TestWithParam<std::size_t> {};
// Powers of two, the radices 3 and 5, and primes: 2 * 509, 2 * 7.
INSTANTIATE_TEST_SUITE_P(Sizes, RfftSize, testing::Values(2, 4, 6, 10, 14, 16, 30, 64, 400, 882, 1018, 2048));

TEST_P(RfftSize, EqualsTheSum) {
  const std::vector<double> x = noise(GetParam());
  const Bins bins = forward(x), expected = reference(x);
  // Round-off of a sum of `size` terms of size 1, and kissfft's twiddles, each good to a few eps.
  const double tolerance = 2e-15 * static_cast<double>(GetParam());
  for (std::size_t k = 0; k < bins.size(); ++k) EXPECT_LT(std::abs(bins[k] - expected[k]), tolerance) << k;
  EXPECT_EQ(bins.front().imag(), 0.0);
  EXPECT_EQ(bins.back().imag(), 0.0);
}

TEST_P(RfftSize, KeepsTheEnergy) {
  const std::vector<double> x = noise(GetParam());
  const Bins bins = forward(x);
  double energy = 0.0, power = std::norm(bins.front()) + std::norm(bins.back());
  for (const double value : x) energy += value * value;
  for (std::size_t k = 1; k + 1 < bins.size(); ++k) power += 2.0 * std::norm(bins[k]);
  EXPECT_NEAR(power / static_cast<double>(x.size()), energy, 1e-13 * energy);
}

TEST(Rfft, AnImpulseIsFlat) {
  std::vector<double> x(48);
  x[0] = 1.0;
  for (const auto& bin : forward(x)) EXPECT_EQ(bin, std::complex<double>(1.0, 0.0));
}

TEST(Rfft, ACopyOfAPlanIsIndependent) {
  const std::vector<double> x = noise(14);
  RfftPlan plan(14);
  RfftPlan copy(plan);
  Bins bins(8);
  copy.forward(x.data(), bins.data());
  EXPECT_EQ(copy.size(), 14);
  EXPECT_EQ(bins, forward(x));
}

}  // namespace
}  // namespace singerprint
