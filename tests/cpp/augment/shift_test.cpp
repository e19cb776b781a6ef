#include "augment/shift.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <limits>

namespace singerprint {
namespace {

at::Tensor shift(const at::Tensor& waveforms, std::int64_t shift_samples, std::int64_t fade_samples) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::shift", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&, std::int64_t)>();
  return op.call(waveforms, at::full({waveforms.size(0)}, shift_samples, at::kLong), fade_samples);
}

TEST(Shift, WithoutFadeIsARoll) {
  const at::Tensor waveforms = at::randn({2, 101});
  for (const std::int64_t by : {0, 1, -1, 100, 101, -350}) {
    EXPECT_TRUE(shift(waveforms, by, 0).equal(waveforms.roll(by, 1))) << by;
  }
}

TEST(Shift, TheFadeIsZeroAtTheSeamAndOneAtItsEnds) {
  const at::Tensor faded = shift(at::ones({1, 20}), 10, 5)[0];
  EXPECT_EQ(faded[9].item<float>(), 0.0f);
  EXPECT_EQ(faded[10].item<float>(), 0.0f);
  EXPECT_EQ(faded[5].item<float>(), 1.0f);
  EXPECT_EQ(faded[14].item<float>(), 1.0f);
  EXPECT_TRUE(faded.equal(faded.flip(0)));
}

TEST(Shift, AnyNumberOfSamplesIsAllowed) {
  constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
  EXPECT_TRUE(shift(at::ones({1, 7}), kLargest, kLargest).isfinite().all().item<bool>());
  EXPECT_TRUE(shift(at::ones({1, 7}), std::numeric_limits<std::int64_t>::min(), 3).isfinite().all().item<bool>());
}

TEST(Shift, AnEmptyWaveformStaysEmpty) { EXPECT_EQ(shift(at::ones({2, 0}), 3, 2).sizes(), (at::IntArrayRef{2, 0})); }

}  // namespace
}  // namespace singerprint
