#include "augment/time_mask.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <limits>

namespace singerprint {
namespace {

at::Tensor time_mask(const at::Tensor& waveforms, std::int64_t start, std::int64_t length) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::time_mask", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&)>();
  const at::Tensor ones = at::ones({waveforms.size(0)}, at::kLong);
  return op.call(waveforms, start * ones, length * ones);
}

TEST(TimeMask, SilencesTheStretchAndNothingElse) {
  const at::Tensor waveforms = at::randn({2, 101});
  at::Tensor expected = waveforms.clone();
  expected.slice(1, 7, 19).zero_();
  EXPECT_TRUE(time_mask(waveforms, 7, 12).equal(expected));
}

TEST(TimeMask, LengthZeroChangesNothing) {
  const at::Tensor waveforms = at::randn({1, 10});
  EXPECT_TRUE(time_mask(waveforms, 3, 0).equal(waveforms));
}

TEST(TimeMask, AStretchEndsWhereTheWaveformEnds) {
  const at::Tensor waveforms = at::ones({1, 4});
  constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
  EXPECT_TRUE(time_mask(waveforms, 3, kLargest).equal(at::tensor({1.0f, 1.0f, 1.0f, 0.0f}).reshape({1, 4})));
  EXPECT_TRUE(time_mask(waveforms, kLargest, kLargest).equal(waveforms));
}

// What the CUDA kernel relies on; on the CPU the op refuses negative values.
TEST(TimeMask, NegativeValuesCountAsZero) {
  EXPECT_EQ(stretch_within(-3, 2, 10).begin, 0);
  EXPECT_EQ(stretch_within(-3, 2, 10).end, 2);
  EXPECT_EQ(stretch_within(4, -1, 10).end, 4);
}

}  // namespace
}  // namespace singerprint
