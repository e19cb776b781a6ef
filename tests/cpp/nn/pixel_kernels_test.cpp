#include "nn/pixel_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace singerprint {
namespace {

const PixelKernels& kernels() {
  static const PixelKernels kernels = SINGERPRINT_LANES(pixel_kernels)();
  return kernels;
}

std::vector<float> random_floats(std::int64_t count) {
  static std::mt19937 generator(0);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double activated(double x, Activation activation) {
  if (activation == Activation::kSilu) return x * sigmoid(x);
  return activation == Activation::kSigmoid ? sigmoid(x) : x;
}

struct Product {
  std::int64_t depth, blocks, pixels;
  int lanes = kernels().lanes;
  std::vector<float> in = random_floats((depth + lanes - 1) / lanes * pixels * lanes);
  std::vector<float> weight = random_floats(blocks * depth * lanes);
  std::vector<float> bias = random_floats(blocks * lanes);
  std::vector<float> residual = random_floats(blocks * pixels * lanes);

  std::vector<float> run(std::int64_t first, std::int64_t count, Activation activation, bool adds) const {
    std::vector<float> out(blocks * pixels * lanes, std::numeric_limits<float>::quiet_NaN());
    kernels().product(
        {in.data() + first * lanes, pixels * lanes, depth, weight.data(), bias.data(),
         adds ? residual.data() + first * lanes : nullptr, out.data() + first * lanes, pixels * lanes, activation},
        blocks, count);
    return out;
  }

  double expected(std::int64_t n, std::int64_t p, Activation activation, bool adds) const {
    double sum = bias[n];
    for (std::int64_t k = 0; k < depth; ++k) {
      const double value = in[(k / lanes * pixels + p) * lanes + k % lanes];
      sum += value * weight[(k * blocks + n / lanes) * lanes + n % lanes];
    }
    return activated(sum, activation) + (adds ? residual[(n / lanes * pixels + p) * lanes + n % lanes] : 0);
  }
};

void expect_product(const Product& product, Activation activation, bool adds) {
  const std::vector<float> out = product.run(0, product.pixels, activation, adds);
  for (std::int64_t n = 0; n < product.blocks * product.lanes; ++n) {
    for (std::int64_t p = 0; p < product.pixels; ++p) {
      // Some 40 roundings of sums of products of normal numbers, each of 6e-8.
      ASSERT_NEAR(out[(n / product.lanes * product.pixels + p) * product.lanes + n % product.lanes],
                  product.expected(n, p, activation, adds), 2e-5)
          << product.depth << " deep, block " << n / product.lanes << " of " << product.blocks << ", pixel " << p
          << " of " << product.pixels;
    }
  }
}

TEST(PixelKernels, AProductIsTheSumOverItsInputs) {
  for (std::int64_t depth : {1, 9, 15, 16, 17, 40}) {
    for (std::int64_t blocks : {1, 2, 3}) expect_product({depth, blocks, 13}, Activation::kNone, false);
  }
  for (std::int64_t pixels = 1; pixels <= 30; ++pixels) expect_product({18, 3, pixels}, Activation::kNone, false);
}

TEST(PixelKernels, AProductIsActivatedBeforeTheShortcutIsAdded) {
  for (const Activation activation : {Activation::kNone, Activation::kSilu, Activation::kSigmoid}) {
    for (const bool adds : {false, true}) expect_product({20, 3, 17}, activation, adds);
  }
}

TEST(PixelKernels, APixelsBitsDoNotDependOnItsNeighbours) {
  for (std::int64_t blocks : {1, 2, 3}) {
    const Product product{35, blocks, 29};
    const std::vector<float> all = product.run(0, 29, Activation::kSilu, true);
    for (std::int64_t p = 0; p < 29; ++p) {
      const std::vector<float> alone = product.run(p, 1, Activation::kSilu, true);
      for (std::int64_t b = 0; b < blocks; ++b) {
        for (int lane = 0; lane < product.lanes; ++lane) {
          const std::int64_t at = (b * 29 + p) * product.lanes + lane;
          ASSERT_EQ(alone[at], all[at]);
        }
      }
    }
  }
}

TEST(PixelKernels, SigmoidIsExactToSomeRoundings) {
  const int lanes = kernels().lanes;
  const std::int64_t pixels = 20001;
  std::vector<float> x(pixels * lanes), one(lanes, 1.0f), zero(lanes, 0.0f), out(pixels * lanes);
  for (std::int64_t p = 0; p < pixels; ++p) x[p * lanes] = -86.0f + 172.0f * static_cast<float>(p) / (pixels - 1);
  kernels().product({x.data(), 0, 1, one.data(), zero.data(), nullptr, out.data(), 0, Activation::kSigmoid}, 1, pixels);
  for (std::int64_t p = 0; p < pixels; ++p) {
    const double expected = sigmoid(x[p * lanes]);
    // The exponent is rounded at 124: 2^-18 / 2 of it, and ln 2 times as much of the result. Near 0 it is 5e-7.
    ASSERT_NEAR(out[p * lanes], expected, (std::abs(x[p * lanes]) < 8 ? 1e-6 : 8e-6) * expected) << x[p * lanes];
  }
}

TEST(PixelKernels, SigmoidSaturatesAndKeepsNaN) {
  const int lanes = kernels().lanes;
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> values{1000.0f, infinity, -1000.0f, -infinity, std::nanf("")};
  std::vector<float> x(values.size() * lanes), one(lanes, 1.0f), zero(lanes, 0.0f), out(x.size());
  for (std::size_t p = 0; p < values.size(); ++p) x[p * lanes] = values[p];
  kernels().product({x.data(), 0, 1, one.data(), zero.data(), nullptr, out.data(), 0, Activation::kSigmoid}, 1,
                    static_cast<std::int64_t>(values.size()));
  EXPECT_NEAR(out[0], 1.0f, 2e-7f);  // two roundings
  EXPECT_NEAR(out[lanes], 1.0f, 2e-7f);
  EXPECT_LT(out[2 * lanes], 1e-37f);
  EXPECT_LT(out[3 * lanes], 1e-37f);
  EXPECT_TRUE(std::isnan(out[4 * lanes]));
}

class Depthwise : public ::testing::TestWithParam<std::tuple<int, int, std::int64_t>> {};

TEST_P(Depthwise, IsTheSumOverItsNeighbourhood) {
  const auto [kernel, stride, columns] = GetParam();
  const int lanes = kernels().lanes;
  const std::int64_t rows = 3, in_rows = (rows - 1) * stride + kernel, in_columns = (columns - 1) * stride + kernel;
  const auto in = random_floats(in_rows * in_columns * lanes), weight = random_floats(kernel * kernel * lanes);
  const auto bias = random_floats(lanes);
  std::vector<float> out(rows * columns * lanes), sum(lanes, 1.0f);
  kernels().depthwise({in.data(), in_columns, weight.data(), bias.data(), out.data(), columns, sum.data()}, kernel,
                      stride, rows);
  for (int lane = 0; lane < lanes; ++lane) {
    double total = 1.0;
    for (std::int64_t y = 0; y < rows; ++y) {
      for (std::int64_t x = 0; x < columns; ++x) {
        double expected = bias[lane];
        for (int i = 0; i < kernel; ++i) {
          for (int j = 0; j < kernel; ++j) {
            expected += static_cast<double>(in[((y * stride + i) * in_columns + x * stride + j) * lanes + lane]) *
                        weight[(i * kernel + j) * lanes + lane];
          }
        }
        expected = activated(expected, Activation::kSilu);
        ASSERT_NEAR(out[(y * columns + x) * lanes + lane], expected, 2e-5);  // as of products
        total += expected;
      }
    }
    ASSERT_NEAR(sum[lane], total, 1e-5 * static_cast<double>(rows * columns) + 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(PixelKernels, Depthwise,
                         ::testing::Combine(::testing::Values(3, 5), ::testing::Values(1, 2),
                                            ::testing::Values<std::int64_t>(1, 2, 5, 7, 8, 9, 23)));

TEST(PixelKernels, GatesScaleChannels) {
  const int lanes = kernels().lanes;
  const auto gate = random_floats(lanes), weight = random_floats(6 * lanes);
  std::vector<float> plane = weight, gated(6 * lanes);
  kernels().gate_pixels(plane.data(), gate.data(), 6);
  kernels().gate_weights(weight.data(), gate.data(), 3, 2, gated.data());
  for (int i = 0; i < 6 * lanes; ++i) {
    EXPECT_EQ(plane[i], weight[i] * gate[i % lanes]);
    EXPECT_EQ(gated[i], weight[i] * gate[i / lanes / 2]);
  }
}

TEST(PixelKernels, PixelsAreSummedByBlock) {
  const int lanes = kernels().lanes;
  std::vector<float> from(2 * 3 * lanes), to(2 * lanes);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<float>(i);
  kernels().sum_pixels(from.data(), 2, 3, 0.5f, to.data());
  for (int block = 0; block < 2; ++block) {
    for (int lane = 0; lane < lanes; ++lane) {
      EXPECT_EQ(to[block * lanes + lane], 1.5f * static_cast<float>(block * 3 * lanes + lanes + lane));
    }
  }
}

}  // namespace
}  // namespace singerprint
