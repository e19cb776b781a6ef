#include "nn/trained_convolution.h"

#include <gtest/gtest.h>

#include "training_values.h"

namespace singerprint {
namespace {

// Apart from the layer, whose planes ask for the instruction set: a parameter is made before the tests begin.
struct LayerSizes {
  std::int64_t depth, channels, clips, pixels;
};

struct Layer : LayerSizes {
  explicit Layer(const LayerSizes& sizes) : LayerSizes(sizes) {}

  OwnPlanes in = OwnPlanes::random(depth, clips, pixels);
  std::vector<float> filters = normal_floats(channels * depth), weight = normal_floats(channels);
  std::vector<float> bias = normal_floats(channels);
  std::vector<float> mean = std::vector<float>(channels), var = std::vector<float>(channels);
  OwnPlanes x{channels, clips, pixels}, y{channels, clips, pixels};
  std::vector<float> rows = std::vector<float>(lane_blocks(channels) * kNormRows * x.lanes);
  FittedNorm fitted() { return {rows.data(), x.lanes}; }

  void run(const Team& team) {
    activated_convolution(in.planes(), depth,
                          {filters.data(), {weight.data(), bias.data(), mean.data(), var.data(), channels, 0.1, 1e-3}},
                          team, x.planes(), fitted(), y.planes());
  }
};

class TrainedConvolution : public ::testing::TestWithParam<LayerSizes> {};

TEST_P(TrainedConvolution, IsAProductAndTheActivationOfItsNorm) {
  Layer layer(GetParam());
  layer.run(Team(unusual_workers(2)));
  for (std::int64_t n = 0; n < layer.channels; ++n) {
    const NormLanes norm = layer.fitted().lanes_of(n / layer.x.lanes);
    const std::int64_t lane = n % layer.x.lanes;
    for (std::int64_t p = 0; p < layer.clips * layer.pixels; ++p) {
      double expected = 0;
      for (std::int64_t k = 0; k < layer.depth; ++k) {
        expected += static_cast<double>(std::as_const(layer.in).of(k, 0, p)) * layer.filters[n * layer.depth + k];
      }
      const double x = std::as_const(layer.x).of(n, 0, p);
      ASSERT_NEAR(x, expected, 2e-5);  // depth roundings
      const double z = (x - norm.mean[lane]) * norm.scale[lane] + norm.bias[lane];
      ASSERT_NEAR(std::as_const(layer.y).of(n, 0, p), z / (1 + std::exp(-z)), 1e-5);
    }
  }
}

TEST_P(TrainedConvolution, GradientsOfFiltersAndInputAreSumsOfDx) {
  Layer layer(GetParam());
  const Team team(unusual_workers(3));
  layer.run(team);
  OwnPlanes dx = OwnPlanes::random(layer.channels, layer.clips, layer.pixels);
  std::vector<float> dfilters(layer.filters.size()), dweight(layer.channels), dbias(layer.channels);
  activated_convolution_gradient(dx.planes(), std::as_const(layer.x).planes(), layer.fitted(),
                                 std::as_const(layer.in).planes(), layer.depth, layer.channels, team,
                                 {dfilters.data(), dweight.data(), dbias.data()});
  const OwnPlanes residual = OwnPlanes::random(layer.depth, layer.clips, layer.pixels);
  OwnPlanes din{layer.depth, layer.clips, layer.pixels};
  differentiate_input(dx.planes(), layer.filters.data(), layer.depth, layer.channels, residual.values.data(), team,
                      din.planes());
  const std::int64_t pixels = layer.clips * layer.pixels;
  for (std::int64_t k = 0; k < layer.depth; ++k) {
    for (std::int64_t n = 0; n < layer.channels; ++n) {
      double expected = 0;
      for (std::int64_t p = 0; p < pixels; ++p) {
        expected += static_cast<double>(std::as_const(dx).of(n, 0, p)) * std::as_const(layer.in).of(k, 0, p);
      }
      ASSERT_NEAR(dfilters[n * layer.depth + k], expected, 5e-4);  // some hundred roundings of values near 30
    }
    for (std::int64_t p = 0; p < pixels; ++p) {
      double expected = residual.of(k, 0, p);
      for (std::int64_t n = 0; n < layer.channels; ++n) {
        expected += static_cast<double>(std::as_const(dx).of(n, 0, p)) * layer.filters[n * layer.depth + k];
      }
      ASSERT_NEAR(std::as_const(din).of(k, 0, p), expected, 1e-4);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, TrainedConvolution,
                         ::testing::Values(LayerSizes{9, 32, 2, 30}, LayerSizes{17, 24, 3, 1},
                                           LayerSizes{40, 17, 1, 600}));

TEST(CachedPixels, AreWholeTilesAndAtLeastOne) {
  for (std::int64_t blocks : {1, 6, 72, 100000}) {
    EXPECT_GE(cached_pixels(blocks), 12);
    EXPECT_EQ(cached_pixels(blocks) % 12, 0);
  }
}

}  // namespace
}  // namespace singerprint
