#include "nn/inverted_residual.h"

#include <gtest/gtest.h>

#include "residual_reference.h"

namespace singerprint {
namespace {

class InvertedResidualTest : public ::testing::TestWithParam<ResidualCase> {};

TEST_P(InvertedResidualTest, IsItsDefinition) {
  NativeResidual native(GetParam());
  native.run(Team(unusual_workers(2)));
  std::vector<Doubles> tensors;
  for (const auto& tensor : native.values.tensors) tensors.emplace_back(tensor.begin(), tensor.end());
  const Doubles expected = ResidualReference(GetParam(), tensors).run();
  for (std::int64_t n = 0; n < native.out.channels; ++n) {
    for (std::int64_t b = 0; b < native.out.clips; ++b) {
      for (std::int64_t p = 0; p < native.out.pixels; ++p) {
        // Three norms of values of the size of 1, each divided by a spread of some tenths.
        ASSERT_NEAR(native.out.of(n, b, p), expected[(b * native.out.channels + n) * native.out.pixels + p], 1e-4);
      }
    }
  }
}

TEST_P(InvertedResidualTest, WorkersDoNotChangeABit) {
  NativeResidual native(GetParam());
  native.run(Team(one_worker()));
  const std::vector<float> out = native.out.values;
  for (int count : {2, 50}) {
    native.run(Team(unusual_workers(count)));
    EXPECT_EQ(native.out.values, out);
  }
}

INSTANTIATE_TEST_SUITE_P(Blocks, InvertedResidualTest, ::testing::ValuesIn(residual_cases()));

}  // namespace
}  // namespace singerprint
