#include <gtest/gtest.h>

#include "residual_reference.h"

namespace singerprint {
namespace {

// Gradients of sum(dout * out) by all tensors of ResidualValues, the input last.
struct Gradients {
  std::vector<std::vector<float>> tensors;

  Gradients(NativeResidual& native, const OwnPlanes& dout, const Team& team) {
    for (const auto& tensor : native.values.tensors) tensors.emplace_back(tensor.size());
    const auto convolution = [&](int i) {
      return ConvolutionGradients{tensors[i].data(), tensors[i + 1].data(), tensors[i + 2].data()};
    };
    const InvertedResidualShape& shape = native.values.shape;
    std::vector<float> memory(shape.expanded_floats());
    OwnPlanes din{shape.block.in_channels, shape.clips, shape.in.pixels()};
    inverted_residual_gradient(shape, native.tensors(), native.in.values.data(), native.state(), dout.values.data(),
                               team, memory.data(),
                               {convolution(0),
                                convolution(3),
                                {tensors[6].data(), tensors[7].data()},
                                {tensors[8].data(), tensors[9].data()},
                                convolution(10)},
                               din.values.data());
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(tensors.back().size()); ++i) {
      const std::int64_t p = i % din.pixels, n = i / din.pixels % din.channels, b = i / din.pixels / din.channels;
      tensors.back()[i] = std::as_const(din).of(n, b, p);
    }
  }
};

class InvertedResidualGradient : public ::testing::TestWithParam<ResidualCase> {};

// By central differences of the definition, in one random direction a tensor.
TEST_P(InvertedResidualGradient, IsTheSlopeOfTheDefinition) {
  NativeResidual native(GetParam());
  const Team team(unusual_workers(2));
  native.run(team);
  const OwnPlanes dout = OwnPlanes::random(native.out.channels, native.out.clips, native.out.pixels);
  const Gradients gradients(native, dout, team);
  std::vector<Doubles> tensors;
  for (const auto& tensor : native.values.tensors) tensors.emplace_back(tensor.begin(), tensor.end());
  const auto loss = [&] {
    const Doubles out = ResidualReference(GetParam(), tensors).run();
    double sum = 0;
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(out.size()); ++i) {
      const std::int64_t p = i % dout.pixels, n = i / dout.pixels % dout.channels, b = i / dout.pixels / dout.channels;
      sum += out[i] * dout.of(n, b, p);
    }
    return sum;
  };
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto direction = normal_floats(static_cast<std::int64_t>(tensors[i].size()));
    const Doubles before = tensors[i];
    double expected = 0, slope = 0, size = 0;
    constexpr double kStep = 1e-5;
    for (const double sign : {1.0, -1.0}) {
      for (std::size_t k = 0; k < before.size(); ++k) tensors[i][k] = before[k] + sign * kStep * direction[k];
      expected += sign * loss() / (2 * kStep);
    }
    tensors[i] = before;
    for (std::size_t k = 0; k < before.size(); ++k) {
      slope += static_cast<double>(gradients.tensors[i][k]) * direction[k];
      size += std::pow(static_cast<double>(gradients.tensors[i][k]) * direction[k], 2);
    }
    // Of the size of its terms: float32's 1e-6, a few hundred times where a norm divides by a small spread.
    EXPECT_NEAR(slope, expected, 1e-3 * std::sqrt(size) + 1e-4) << "tensor " << i;
  }
}

TEST_P(InvertedResidualGradient, WorkersDoNotChangeABit) {
  NativeResidual native(GetParam());
  native.run(Team(one_worker()));
  const OwnPlanes dout = OwnPlanes::random(native.out.channels, native.out.clips, native.out.pixels);
  const Gradients alone(native, dout, Team(one_worker()));
  for (int count : {2, 50}) {
    EXPECT_EQ(Gradients(native, dout, Team(unusual_workers(count))).tensors, alone.tensors);
  }
}

INSTANTIATE_TEST_SUITE_P(Blocks, InvertedResidualGradient, ::testing::ValuesIn(residual_cases()));

}  // namespace
}  // namespace singerprint
