#include "nn/pixel_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "values_of_machine.h"

namespace singerprint {
namespace {

std::vector<float> random_floats(std::int64_t count) {
  static std::mt19937 generator(0);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

template <class Value>
std::vector<Value> random_values(std::int64_t count) {
  const std::vector<float> floats = random_floats(count);
  return std::vector<Value>(floats.begin(), floats.end());
}

// Half a last bit of what a kernel writes, and its rough SiLU.
template <class Value>
constexpr double kRounding = sizeof(Value) == 4 ? 0.0 : 1.0 / 256 + 2e-4;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double activated(double x, Activation activation) {
  if (activation == Activation::kSilu) return x * sigmoid(x);
  return activation == Activation::kSigmoid ? sigmoid(x) : x;
}

template <class Value>
struct Product {
  std::int64_t depth, blocks, pixels;
  int lanes = kernels_of_machine<Value>().lanes;
  std::vector<Value> in = random_values<Value>((depth + lanes - 1) / lanes * pixels * lanes);
  std::vector<Value> weight = random_values<Value>(blocks * depth * lanes);
  std::vector<float> bias = random_floats(blocks * lanes);
  std::vector<Value> residual = random_values<Value>(blocks * pixels * lanes);

  std::vector<Value> run(std::int64_t first, std::int64_t count, Activation activation, bool adds) const {
    std::vector<Value> out(blocks * pixels * lanes, Value(std::numeric_limits<float>::quiet_NaN()));
    kernels_of_machine<Value>().product(
        {in.data() + first * lanes, pixels * lanes, depth, weight.data(), bias.data(),
         adds ? residual.data() + first * lanes : nullptr, out.data() + first * lanes, pixels * lanes, activation},
        blocks, count);
    return out;
  }

  std::vector<float> run_to_float(Activation activation) const {
    std::vector<float> out(blocks * pixels * lanes, std::numeric_limits<float>::quiet_NaN());
    kernels_of_machine<Value>().product_to_float(
        {in.data(), pixels * lanes, depth, weight.data(), bias.data(), nullptr, out.data(), pixels * lanes, activation},
        blocks, pixels);
    return out;
  }

  double expected(std::int64_t n, std::int64_t p, Activation activation, bool adds) const {
    constexpr std::int64_t kStep = kPaired<Value>;
    double sum = bias[n];
    for (std::int64_t k = 0; k < depth; ++k) {
      const double value(static_cast<float>(in[(k / lanes * pixels + p) * lanes + k % lanes]));
      sum += value *
             static_cast<float>(weight[((k / kStep * blocks + n / lanes) * lanes + n % lanes) * kStep + k % kStep]);
    }
    sum = activated(sum, activation);
    return adds ? sum + static_cast<float>(residual[(n / lanes * pixels + p) * lanes + n % lanes]) : sum;
  }
};

template <class Value>
void expect_product(const Product<Value>& product, Activation activation, bool adds) {
  const std::vector<Value> out = product.run(0, product.pixels, activation, adds);
  const std::vector<float> floats = product.run_to_float(activation);
  for (std::int64_t n = 0; n < product.blocks * product.lanes; ++n) {
    for (std::int64_t p = 0; p < product.pixels; ++p) {
      const std::int64_t at = (n / product.lanes * product.pixels + p) * product.lanes + n % product.lanes;
      const double expected = product.expected(n, p, activation, adds);
      const double unadded = product.expected(n, p, activation, false);
      // Some 40 roundings of sums of products of normal numbers, each of 6e-8.
      ASSERT_NEAR(static_cast<float>(out[at]), expected, 2e-5 + kRounding<Value> * (std::abs(expected) + 2e-2))
          << product.depth << " deep, block " << n / product.lanes << " of " << product.blocks << ", pixel " << p
          << " of " << product.pixels;
      ASSERT_NEAR(floats[at], unadded, 2e-5 + (sizeof(Value) == 4 ? 0.0 : 2e-4) * std::abs(unadded));
    }
  }
}

template <class Value>
class PixelProducts : public OfMachine<Value> {};
TYPED_TEST_SUITE(PixelProducts, Values);

TYPED_TEST(PixelProducts, AProductIsTheSumOverItsInputs) {
  constexpr int kStep = kPaired<TypeParam>;
  for (std::int64_t depth : {1, 9, 15, 16, 17, 40}) {
    for (std::int64_t blocks : {1, 2, 3}) {
      expect_product<TypeParam>({(depth + kStep - 1) / kStep * kStep, blocks, 13}, Activation::kNone, false);
    }
  }
  for (std::int64_t pixels = 1; pixels <= 30; ++pixels) {
    expect_product<TypeParam>({18, 3, pixels}, Activation::kNone, false);
  }
}

TYPED_TEST(PixelProducts, AProductIsActivatedBeforeTheShortcutIsAdded) {
  for (const Activation activation : {Activation::kNone, Activation::kSilu, Activation::kSigmoid}) {
    for (const bool adds : {false, true}) expect_product<TypeParam>({20, 3, 17}, activation, adds);
  }
}

TYPED_TEST(PixelProducts, APixelsBitsDoNotDependOnItsNeighbours) {
  for (std::int64_t blocks : {1, 2, 3}) {
    const Product<TypeParam> product{36, blocks, 29};
    const std::vector<TypeParam> all = product.run(0, 29, Activation::kSilu, true);
    for (std::int64_t p = 0; p < 29; ++p) {
      const std::vector<TypeParam> alone = product.run(p, 1, Activation::kSilu, true);
      for (std::int64_t b = 0; b < blocks; ++b) {
        for (int lane = 0; lane < product.lanes; ++lane) {
          const std::int64_t at = (b * 29 + p) * product.lanes + lane;
          ASSERT_EQ(static_cast<float>(alone[at]), static_cast<float>(all[at]));
        }
      }
    }
  }
}

// silu of each x, by a product with 1.
template <class Value>
std::vector<float> silu_by_product(const std::vector<float>& x) {
  const PixelKernels<Value> kernels = kernels_of_machine<Value>();
  const auto pixels = static_cast<std::int64_t>(x.size());
  constexpr int kStep = kPaired<Value>;
  std::vector<Value> in(pixels * kernels.lanes, Value(0.0f)), weight(kernels.lanes * kStep, Value(0.0f));
  for (int lane = 0; lane < kernels.lanes; ++lane) weight[lane * kStep] = Value(1.0f);
  for (std::int64_t p = 0; p < pixels; ++p) in[p * kernels.lanes] = Value(x[p]);
  std::vector<float> zero(kernels.lanes, 0.0f), out(pixels * kernels.lanes), result(pixels);
  kernels.product_to_float({in.data(), 0, kStep, weight.data(), zero.data(), nullptr, out.data(), 0, Activation::kSilu},
                           1, pixels);
  for (std::int64_t p = 0; p < pixels; ++p) result[p] = out[p * kernels.lanes];
  return result;
}

TYPED_TEST(PixelProducts, SiluIsExactToTheRoundingOfValues) {
  std::vector<float> x;
  for (int i = -8000; i <= 8000; ++i) x.push_back(static_cast<float>(TypeParam(static_cast<float>(i) / 100)));
  const std::vector<float> result = silu_by_product<TypeParam>(x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = activated(x[i], Activation::kSilu);
    const double exact = std::abs(x[i]) < 8 ? 1e-6 : 8e-6;  // as of the sigmoid below
    ASSERT_NEAR(result[i], expected, (sizeof(TypeParam) == 4 ? exact : 2e-4) * std::abs(expected)) << x[i];
  }
}

TYPED_TEST(PixelProducts, SiluSaturatesAndKeepsNaN) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> result = silu_by_product<TypeParam>({1024.0f, infinity, -1024.0f, std::nanf("")});
  EXPECT_NEAR(result[0], 1024.0f, 0.1f);  // the estimated reciprocal of 1: 6e-5
  EXPECT_EQ(result[1], infinity);
  EXPECT_LT(std::abs(result[2]), 1e-34f);
  EXPECT_TRUE(std::isnan(result[3]));
}

TEST(PixelKernels, SigmoidIsExactToSomeRoundings) {
  const PixelKernels<float> kernels = kernels_of_machine<float>();
  const int lanes = kernels.lanes;
  const std::int64_t pixels = 20001;
  std::vector<float> x(pixels * lanes), one(lanes, 1.0f), zero(lanes, 0.0f), out(pixels * lanes);
  for (std::int64_t p = 0; p < pixels; ++p) x[p * lanes] = -86.0f + 172.0f * static_cast<float>(p) / (pixels - 1);
  kernels.float_product({x.data(), 0, 1, one.data(), zero.data(), nullptr, out.data(), 0, Activation::kSigmoid}, 1,
                        pixels);
  for (std::int64_t p = 0; p < pixels; ++p) {
    const double expected = sigmoid(x[p * lanes]);
    // The exponent is rounded at 124: 2^-18 / 2 of it, and ln 2 times as much of the result. Near 0 it is 5e-7.
    ASSERT_NEAR(out[p * lanes], expected, (std::abs(x[p * lanes]) < 8 ? 1e-6 : 8e-6) * expected) << x[p * lanes];
  }
}

TEST(PixelKernels, SigmoidSaturatesAndKeepsNaN) {
  const PixelKernels<float> kernels = kernels_of_machine<float>();
  const int lanes = kernels.lanes;
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> values{1000.0f, infinity, -1000.0f, -infinity, std::nanf("")};
  std::vector<float> x(values.size() * lanes), one(lanes, 1.0f), zero(lanes, 0.0f), out(x.size());
  for (std::size_t p = 0; p < values.size(); ++p) x[p * lanes] = values[p];
  kernels.float_product({x.data(), 0, 1, one.data(), zero.data(), nullptr, out.data(), 0, Activation::kSigmoid}, 1,
                        static_cast<std::int64_t>(values.size()));
  EXPECT_NEAR(out[0], 1.0f, 2e-7f);  // two roundings
  EXPECT_NEAR(out[lanes], 1.0f, 2e-7f);
  EXPECT_LT(out[2 * lanes], 1e-37f);
  EXPECT_LT(out[3 * lanes], 1e-37f);
  EXPECT_TRUE(std::isnan(out[4 * lanes]));
}

template <class Value>
class Depthwise : public OfMachine<Value> {};
TYPED_TEST_SUITE(Depthwise, Values);

template <class Value>
void expect_depthwise(int kernel, int stride, std::int64_t columns) {
  const PixelKernels<Value> kernels = kernels_of_machine<Value>();
  const int lanes = kernels.lanes;
  const std::int64_t rows = 3, in_rows = (rows - 1) * stride + kernel, in_columns = (columns - 1) * stride + kernel;
  const auto in = random_floats(in_rows * in_columns * lanes), weight = random_floats(kernel * kernel * lanes);
  const auto bias = random_floats(lanes);
  std::vector<Value> out(rows * columns * lanes);
  std::vector<float> sum(lanes, 1.0f);
  kernels.depthwise({in.data(), in_columns, weight.data(), bias.data(), out.data(), columns, sum.data()}, kernel,
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
        ASSERT_NEAR(static_cast<float>(out[(y * columns + x) * lanes + lane]), expected,
                    2e-5 + kRounding<Value> * std::abs(expected));  // as of products
        total += expected;
      }
    }
    // Of sums before they are rounded to Values; up to 70 outputs of up to 5 in the mean, each with its SiLU's error.
    const double silu_error = sizeof(Value) == 4 ? 0.0 : 2e-4 * 5;
    ASSERT_NEAR(sum[lane], total, (1e-5 + silu_error) * static_cast<double>(rows * columns) + 1e-5);
  }
}

TYPED_TEST(Depthwise, IsTheSumOverItsNeighbourhood) {
  for (const int kernel : {3, 5}) {
    for (const int stride : {1, 2}) {
      for (const std::int64_t columns : {1, 2, 5, 7, 8, 9, 23}) expect_depthwise<TypeParam>(kernel, stride, columns);
    }
  }
}

template <class Value>
class Gates : public OfMachine<Value> {};
TYPED_TEST_SUITE(Gates, Values);

TYPED_TEST(Gates, ScaleChannels) {
  constexpr int kStep = kPaired<TypeParam>;
  const PixelKernels<TypeParam> kernels = kernels_of_machine<TypeParam>();
  const int lanes = kernels.lanes;
  const auto gate = random_floats(lanes);
  const auto values = random_values<TypeParam>(8 * lanes);  // 8 pixels, or 4 input channels of 2 blocks
  std::vector<TypeParam> plane = values, gated(8 * lanes);
  kernels.gate_pixels(plane.data(), gate.data(), 8);
  kernels.gate_weights(values.data(), gate.data(), 4, 2, gated.data());
  const auto scaled = [&](int i, float factor) {
    return static_cast<float>(TypeParam(static_cast<float>(values[i]) * factor));
  };
  for (int i = 0; i < 8 * lanes; ++i) {
    EXPECT_EQ(static_cast<float>(plane[i]), scaled(i, gate[i % lanes]));
    EXPECT_EQ(static_cast<float>(gated[i]), scaled(i, gate[i / (2 * lanes * kStep) * kStep + i % kStep]));
  }
}

TEST(PixelKernels, PixelsAreSummedByBlock) {
  const PixelKernels<float> kernels = kernels_of_machine<float>();
  const int lanes = kernels.lanes;
  std::vector<float> from(2 * 3 * lanes), to(2 * lanes);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<float>(i);
  kernels.sum_pixels(from.data(), 2, 3, 0.5f, to.data());
  for (int block = 0; block < 2; ++block) {
    for (int lane = 0; lane < lanes; ++lane) {
      EXPECT_EQ(to[block * lanes + lane], 1.5f * static_cast<float>(block * 3 * lanes + lanes + lane));
    }
  }
}

}  // namespace
}  // namespace singerprint
