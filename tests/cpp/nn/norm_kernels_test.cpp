#include "nn/norm_kernels.h"

#include <gtest/gtest.h>

#include <cmath>

#include "training_values.h"

namespace singerprint {
namespace {

double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

// The values of one call, and the formulas in double.
struct Case {
  std::int64_t pixels;
  std::int64_t lanes = training_kernels().lanes;
  std::vector<float> x = normal_floats(pixels * lanes), dy = normal_floats(pixels * lanes);
  std::vector<float> mean = normal_floats(lanes), scale = normal_floats(lanes), bias = normal_floats(lanes);
  std::vector<float> gate = normal_floats(lanes), offset = normal_floats(lanes);
  NormLanes norm() const { return {mean.data(), scale.data(), bias.data()}; }
  double z(std::int64_t i) const {
    return (static_cast<double>(x[i]) - mean[i % lanes]) * scale[i % lanes] + bias[i % lanes];
  }
};

// Some roundings of values of the size of 10.
constexpr double kRoundings = 1e-5;

class NormKernelsTest : public ::testing::TestWithParam<std::int64_t> {
 protected:
  const NormKernels& kernels_ = training_kernels().norm;
};

TEST_P(NormKernelsTest, MomentsAreThoseOfTheDefinitionFarFromZeroToo) {
  const Case of{GetParam()};
  const std::vector<float> x = normal_floats(of.pixels * of.lanes, 1000);
  std::vector<float> mean(of.lanes), deviation(of.lanes);
  kernels_.moments(x.data(), of.pixels, mean.data(), deviation.data());
  for (std::int64_t lane = 0; lane < of.lanes; ++lane) {
    double sum = 0, squares = 0;
    for (std::int64_t p = 0; p < of.pixels; ++p) sum += x[p * of.lanes + lane];
    for (std::int64_t p = 0; p < of.pixels; ++p) {
      squares += std::pow(x[p * of.lanes + lane] - sum / static_cast<double>(of.pixels), 2);
    }
    EXPECT_NEAR(mean[lane], sum / static_cast<double>(of.pixels), 1e-3);  // four roundings of 1000
    EXPECT_NEAR(deviation[lane], squares, 1e-4 * (1 + squares));
  }
}

TEST_P(NormKernelsTest, NormalizeAndActivateFollowTheirFormulas) {
  const Case of{GetParam()};
  std::vector<float> z(of.x.size()), added(z.size()), y(z.size()), gated(z.size()), sum(of.lanes);
  kernels_.normalize(of.x.data(), of.norm(), nullptr, of.pixels, z.data());
  kernels_.normalize(of.x.data(), of.norm(), of.dy.data(), of.pixels, added.data());
  kernels_.activate(of.x.data(), of.norm(), nullptr, of.pixels, y.data());
  kernels_.activate(of.x.data(), of.norm(), of.gate.data(), of.pixels, gated.data());
  kernels_.sum_activated(of.x.data(), of.norm(), of.pixels, sum.data());
  std::vector<double> sums(of.lanes);
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double expected = of.z(static_cast<std::int64_t>(i)), activated = expected * sigmoid(expected);
    EXPECT_NEAR(z[i], expected, kRoundings);
    EXPECT_NEAR(added[i], expected + of.dy[i], kRoundings);
    EXPECT_NEAR(y[i], activated, kRoundings);
    EXPECT_NEAR(gated[i], activated * of.gate[i % of.lanes], 3 * kRoundings);
    sums[i % of.lanes] += activated;
  }
  for (std::int64_t lane = 0; lane < of.lanes; ++lane) {
    EXPECT_NEAR(sum[lane], sums[lane], kRoundings * static_cast<double>(of.pixels));
  }
}

TEST_P(NormKernelsTest, TheGradientOfSiluIsItsSlopeTimesWhatIsBehindIt) {
  const Case of{GetParam()};
  std::vector<float> dz = of.dy, sums(2 * of.lanes), again(2 * of.lanes);
  kernels_.silu_gradient({dz.data(), of.x.data(), of.norm(), of.gate.data(), of.offset.data(), dz.data(), sums.data()},
                         of.pixels);
  std::vector<double> expected_sums(2 * of.lanes);
  for (std::size_t i = 0; i < dz.size(); ++i) {
    const std::size_t lane = i % of.lanes;
    const double z = of.z(static_cast<std::int64_t>(i)), s = sigmoid(z);
    const double expected = (of.dy[i] * of.gate[lane] + of.offset[lane]) * (s + z * s * (1 - s));
    EXPECT_NEAR(dz[i], expected, kRoundings);
    expected_sums[lane] += expected;
    expected_sums[of.lanes + lane] += expected * (of.x[i] - of.mean[lane]);
  }
  kernels_.gradient_sums(dz.data(), of.x.data(), of.mean.data(), of.pixels, again.data());
  for (std::int64_t i = 0; i < 2 * of.lanes; ++i) {
    EXPECT_NEAR(sums[i], expected_sums[i], 10 * kRoundings * static_cast<double>(of.pixels));
    EXPECT_NEAR(again[i], expected_sums[i], 10 * kRoundings * static_cast<double>(of.pixels));
  }
}

TEST_P(NormKernelsTest, TheGradientOfANormIsLinearInGradientAndInput) {
  const Case of{GetParam()};
  std::vector<float> dx = of.dy;
  kernels_.norm_gradient(dx.data(), of.x.data(), {of.mean.data(), of.scale.data(), of.gate.data(), of.offset.data()},
                         of.pixels, dx.data());
  for (std::size_t i = 0; i < dx.size(); ++i) {
    const std::size_t lane = i % of.lanes;
    const double expected = static_cast<double>(of.dy[i]) * of.scale[lane] +
                            (static_cast<double>(of.x[i]) - of.mean[lane]) * of.gate[lane] + of.offset[lane];
    EXPECT_NEAR(dx[i], expected, kRoundings);
  }
}

INSTANTIATE_TEST_SUITE_P(NormKernels, NormKernelsTest, ::testing::Values(1, 2, 3, 4, 7, 130));

}  // namespace
}  // namespace singerprint
