#include "augment/convolve.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

namespace singerprint {
namespace {

at::Tensor convolve(const at::Tensor& waveforms, const at::Tensor& impulse_responses) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::convolve", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&)>();
  return op.call(waveforms, impulse_responses);
}

TEST(Convolve, ADelayedImpulseDelays) {
  const at::Tensor waveforms = at::randn({2, 1000});
  at::Tensor impulse = at::zeros({2, 301});
  impulse.select(1, 300).fill_(1.0f);
  const at::Tensor result = convolve(waveforms, impulse);
  // A transform's error: a few ulps of the largest number.
  EXPECT_TRUE(result.narrow(1, 300, 700).allclose(waveforms.narrow(1, 0, 700), 0, 4e-6));
  EXPECT_LT(result.narrow(1, 0, 300).abs().max().item<float>(), 4e-6);
}

TEST(Convolve, TheSizeOfTheTransformHoldsTheTapsAndIsEven) {
  for (const std::int64_t samples : {1, 2, 100, 176400}) {
    for (const std::int64_t taps : {1, 2, 3, 100, 44100, 176400}) {
      if (taps > samples) continue;  // the op cuts them
      const std::int64_t size = overlap_save_size(samples, taps);
      EXPECT_GE(size, taps) << samples;
      EXPECT_EQ(size % 2, 0) << samples;
    }
  }
}

TEST(Convolve, ShortResponsesAreNotTransformedAtTheWaveformsLength) {
  EXPECT_LT(overlap_save_size(176400, 1023), 16384);
  EXPECT_GT(overlap_save_size(176400, 44100), 100000);
}

}  // namespace
}  // namespace singerprint
