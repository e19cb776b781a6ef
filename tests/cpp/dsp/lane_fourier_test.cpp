#include "dsp/lane_fourier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <new>
#include <numbers>
#include <random>
#include <vector>

namespace singerprint {
namespace {

using Sequence = std::vector<std::complex<double>>;

Sequence expected(const Sequence& x) {
  Sequence result(x.size());
  for (std::size_t k = 0; k < x.size(); ++k) {
    for (std::size_t n = 0; n < x.size(); ++n) {
      const double turn = static_cast<double>(n * k % x.size()) / static_cast<double>(x.size());
      result[k] += x[n] * std::polar(1.0, -2.0 * std::numbers::pi * turn);
    }
  }
  return result;
}

// One sequence a lane, through the lanes.
std::vector<Sequence> transformed(const LaneFourier& fourier, const std::vector<Sequence>& sequences) {
  const std::size_t lanes = sequences.size(), size = static_cast<std::size_t>(fourier.size());
  struct alignas(64) Line {
    float values[16];
  };
  std::vector<Line> numbers(2 * static_cast<std::size_t>(fourier.places()) * lanes / 16 + 1),
      work(2 * fourier.work_numbers() * lanes / 16 + 1);
  float* const values = numbers.data()->values;
  FourierPlace sample = FourierPlace::of_sample(fourier.tables(), 0);
  for (std::size_t n = 0; n < size; ++n, ++sample) {
    float* const number = values + 2 * static_cast<std::size_t>(*sample) * lanes;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      number[lane] = static_cast<float>(sequences[lane][n].real());
      number[lanes + lane] = static_cast<float>(sequences[lane][n].imag());
    }
  }
  SINGERPRINT_LANES(fourier_lanes)(fourier.tables(), values, work.data()->values);
  std::vector<Sequence> result(lanes, Sequence(size));
  FourierPlace place = FourierPlace::of_bin(fourier.tables(), 0);
  for (std::size_t k = 0; k < size; ++k, ++place) {
    const float* const number = values + 2 * static_cast<std::size_t>(*place) * lanes;
    for (std::size_t lane = 0; lane < lanes; ++lane) result[lane][k] = {number[lane], number[lanes + lane]};
  }
  return result;
}

class LaneFourierOfSize : public testing::TestWithParam<int> {};

TEST_P(LaneFourierOfSize, IsTheTransformOfEveryLane) {
  const LaneFourier fourier(GetParam());
  ASSERT_EQ(fourier.size(), GetParam());
  std::mt19937 random(1);
  std::normal_distribution<float> normal;  // float: what the lanes are given is what the sum is given
  std::vector<Sequence> x(static_cast<std::size_t>(SINGERPRINT_LANES(fourier_lane_count)()));
  for (Sequence& sequence : x) {
    sequence.resize(static_cast<std::size_t>(GetParam()));
    for (auto& number : sequence) number = {normal(random), normal(random)};
  }
  const std::vector<Sequence> result = transformed(fourier, x);
  for (std::size_t lane = 0; lane < x.size(); lane += 5) {
    const Sequence reference = expected(x[lane]);
    double error = 0.0, power = 0.0;
    for (std::size_t k = 0; k < reference.size(); ++k) {
      error += std::norm(result[lane][k] - reference[k]);
      power += std::norm(reference[k]);
    }
    // Some 10 roundings of 2^-25 rms each, a pass: up to 7 passes.
    EXPECT_LE(std::sqrt(error / power), std::sqrt(70.0) * 0x1p-25) << lane;
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, LaneFourierOfSize,
                         testing::Values(1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 35, 49, 63, 64, 90, 147, 441, 480, 840, 1029,
                                         1920));

TEST(LaneFourier, TakesSizesWithPrimeFactorsUpToSeven) {
  for (const int size : {1, 2, 7, 4410, 65536}) EXPECT_TRUE(LaneFourier::is_possible(size)) << size;
  for (const int size : {-4, 0, 11, 22, 11025 * 13}) EXPECT_FALSE(LaneFourier::is_possible(size)) << size;
}

}  // namespace
}  // namespace singerprint
