#include "nn/depthwise_gradient.h"

#include <gtest/gtest.h>

#include <tuple>

#include "training_values.h"

namespace singerprint {
namespace {

class DepthwiseGradientTest : public ::testing::TestWithParam<std::tuple<int, int, std::int64_t, std::int64_t>> {};

TEST_P(DepthwiseGradientTest, IsTheTransposeOfTheConvolution) {
  const auto [kernel, stride, rows, columns] = GetParam();
  const std::int64_t lanes = training_kernels().lanes, channels = 2 * lanes, clips = 2, block = 1,
                     taps = kernel * kernel;
  const InvertedResidualShape shape{{kernel, stride, 16, static_cast<int>(channels), 4, 16}, clips, {rows, columns}};
  const Picture out = shape.out();
  const auto filters = normal_floats(channels * taps);
  const auto in = normal_floats(clips * rows * columns * lanes), dout = normal_floats(clips * out.pixels() * lanes);
  DepthwiseGradient gradient(shape, filters.data(), block, 1);
  std::vector<float> din(in.size(), -1.0f), dfilters(filters.size(), -1.0f);
  for (std::int64_t clip = 0; clip < clips; ++clip) {
    DepthwiseGradient::Memory& memory = gradient.memory(0);
    memory.in.fill([&](std::int64_t y, float* row) {
      std::copy_n(in.data() + (clip * rows + y) * columns * lanes, columns * lanes, row);
    });
    memory.dout.fill([&, of = clip](std::int64_t y, float* row) {
      std::copy_n(dout.data() + (of * out.rows + y) * out.columns * lanes, out.columns * lanes, row);
    });
    gradient.run(clip, memory, din.data() + clip * rows * columns * lanes);
  }
  gradient.write_weights(dfilters.data());

  std::vector<double> expected_in(in.size()), expected_filters(filters.size());
  for (std::int64_t clip = 0; clip < clips; ++clip) {
    for (std::int64_t at = 0; at < out.pixels() * taps * lanes; ++at) {
      const std::int64_t lane = at % lanes, tap = at / lanes % taps, pixel = at / lanes / taps;
      const std::int64_t y = pixel / out.columns * stride + tap / kernel - kernel / 2;
      const std::int64_t x = pixel % out.columns * stride + tap % kernel - kernel / 2;
      if (y < 0 || y >= rows || x < 0 || x >= columns) continue;
      const std::int64_t of_in = ((clip * rows + y) * columns + x) * lanes + lane;
      const double of_out = dout[(clip * out.pixels() + pixel) * lanes + lane];
      expected_in[of_in] += of_out * filters[(block * lanes + lane) * taps + tap];
      expected_filters[(block * lanes + lane) * taps + tap] += of_out * in[of_in];
    }
  }
  for (std::size_t i = 0; i < din.size(); ++i) ASSERT_NEAR(din[i], expected_in[i], 2e-5);  // 25 roundings
  for (std::size_t i = block * lanes * taps; i < dfilters.size(); ++i) {
    ASSERT_NEAR(dfilters[i], expected_filters[i], 1e-4);
  }
  EXPECT_EQ(dfilters.front(), -1.0f);  // of another block
}

INSTANTIATE_TEST_SUITE_P(Sizes, DepthwiseGradientTest,
                         ::testing::Combine(::testing::Values(3, 5), ::testing::Values(1, 2),
                                            ::testing::Values<std::int64_t>(1, 2, 5, 6),
                                            ::testing::Values<std::int64_t>(1, 2, 3, 18)));

}  // namespace
}  // namespace singerprint
