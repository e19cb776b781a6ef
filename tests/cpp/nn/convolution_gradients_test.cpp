#include "nn/convolution_gradients.h"

#include <gtest/gtest.h>

#include <tuple>

#include "training_values.h"

namespace singerprint {
namespace {

// Some 50 roundings of sums of products of normal numbers.
constexpr double kRoundings = 5e-5;

const GradientKernels& kernels() { return training_kernels().gradient; }

class DepthwiseTaps : public ::testing::TestWithParam<std::tuple<int, int, int, std::int64_t>> {};

TEST_P(DepthwiseTaps, AreSummedAndWrittenAtTheirStep) {
  const auto [tap_rows, tap_columns, stride, columns] = GetParam();
  const std::int64_t lanes = kernels().lanes, rows = 3, step = 2;
  const std::int64_t in_rows = (rows - 1) * stride + tap_rows, in_columns = (columns - 1) * stride + tap_columns;
  const auto in = normal_floats(in_rows * in_columns * lanes), weight = normal_floats(tap_rows * tap_columns * lanes);
  std::vector<float> out(rows * columns * step * lanes, -1.0f);
  kernels().depthwise({in.data(), in_columns * lanes, out.data(), columns * step * lanes, step, rows, columns},
                      weight.data(), tap_rows, tap_columns, stride);
  for (std::int64_t y = 0; y < rows; ++y) {
    for (std::int64_t x = 0; x < columns; ++x) {
      for (std::int64_t lane = 0; lane < lanes; ++lane) {
        double expected = 0;
        for (int i = 0; i < tap_rows; ++i) {
          for (int j = 0; j < tap_columns; ++j) {
            expected += static_cast<double>(in[((y * stride + i) * in_columns + x * stride + j) * lanes + lane]) *
                        weight[(i * tap_columns + j) * lanes + lane];
          }
        }
        ASSERT_NEAR(out[(y * columns + x) * step * lanes + lane], expected, kRoundings);
        ASSERT_EQ(out[((y * columns + x) * step + 1) * lanes + lane], -1.0f);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(ConvolutionGradients, DepthwiseTaps,
                         ::testing::Combine(::testing::Values(1, 2, 5), ::testing::Values(1, 2, 3, 5),
                                            ::testing::Values(1, 2), ::testing::Values<std::int64_t>(1, 7, 8, 9, 19)));

class DepthwiseWeights : public ::testing::TestWithParam<std::tuple<int, int, std::int64_t>> {};

TEST_P(DepthwiseWeights, AreCorrelationsOfInputAndGradient) {
  const auto [kernel, stride, columns] = GetParam();
  const std::int64_t lanes = kernels().lanes, rows = 4;
  const std::int64_t in_rows = (rows - 1) * stride + kernel, in_columns = (columns - 1) * stride + kernel;
  const auto in = normal_floats(in_rows * in_columns * lanes), dout = normal_floats(rows * columns * lanes);
  std::vector<float> dweight(kernel * kernel * lanes, 7.0f);
  kernels().depthwise_weights({in.data(), in_columns * lanes, dout.data(), columns * lanes, rows, columns}, kernel,
                              stride, dweight.data());
  for (int i = 0; i < kernel; ++i) {
    for (int j = 0; j < kernel; ++j) {
      for (std::int64_t lane = 0; lane < lanes; ++lane) {
        double expected = 0;
        for (std::int64_t y = 0; y < rows; ++y) {
          for (std::int64_t x = 0; x < columns; ++x) {
            expected += static_cast<double>(in[((y * stride + i) * in_columns + x * stride + j) * lanes + lane]) *
                        dout[(y * columns + x) * lanes + lane];
          }
        }
        ASSERT_NEAR(dweight[(i * kernel + j) * lanes + lane], expected, kRoundings);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(ConvolutionGradients, DepthwiseWeights,
                         ::testing::Combine(::testing::Values(3, 5), ::testing::Values(1, 2),
                                            ::testing::Values<std::int64_t>(1, 2, 13)));

TEST(ConvolutionGradients, OuterProductsAreAddedToTheTile) {
  const std::int64_t lanes = kernels().lanes;
  for (std::int64_t pixels : {1, 33, 512, 513, 1300}) {
    const auto rows = normal_floats(pixels * lanes), columns = normal_floats(pixels * lanes);
    std::vector<float> tile(lanes * lanes, 2.0f);
    kernels().outer_products(rows.data(), columns.data(), pixels, tile.data());
    for (std::int64_t i = 0; i < lanes * lanes; ++i) {
      double expected = 2.0;
      for (std::int64_t p = 0; p < pixels; ++p) {
        expected += static_cast<double>(rows[p * lanes + i / lanes]) * columns[p * lanes + i % lanes];
      }
      ASSERT_NEAR(tile[i], expected, 5e-4);  // 1300 roundings of sums that grow to 100
    }
  }
}

TEST(ConvolutionGradients, AGateScalesWeightsAndCollectsItsOwnGradient) {
  const std::int64_t lanes = kernels().lanes, count = 5;
  const auto weight = normal_floats(count * lanes), products = normal_floats(count * lanes),
             gate = normal_floats(lanes);
  std::vector<float> dweight(count * lanes, 1.0f), dgate(lanes);
  kernels().gate_gradient(weight.data(), products.data(), gate.data(), count, dweight.data(), dgate.data());
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    double expected = 0;
    for (std::int64_t n = 0; n < count; ++n) {
      const std::int64_t at = n * lanes + lane;
      expected += static_cast<double>(weight[at]) * products[at];
      EXPECT_NEAR(dweight[at], 1.0 + static_cast<double>(products[at]) * gate[lane], 1e-6);
    }
    EXPECT_NEAR(dgate[lane], expected, 1e-5);
  }
}

}  // namespace
}  // namespace singerprint
