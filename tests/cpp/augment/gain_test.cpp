#include "augment/gain.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

namespace singerprint {
namespace {

at::Tensor gain(const at::Tensor& waveforms, const at::Tensor& gain_db) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::gain", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&)>();
  return op.call(waveforms, gain_db);
}

TEST(Gain, ZeroDecibelsChangesNothing) {
  const at::Tensor waveforms = at::randn({3, 1001});
  EXPECT_TRUE(gain(waveforms, at::zeros({3})).equal(waveforms));
}

TEST(Gain, TwentyDecibelsIsTenTimes) {
  const at::Tensor waveforms = at::randn({2, 77});
  EXPECT_TRUE(gain(waveforms, at::full({2}, 20.0f)).equal(waveforms * 10.0f));
}

TEST(Gain, EachWaveformHasItsOwnGain) {
  const at::Tensor result = gain(at::ones({2, 5}), at::tensor({0.0f, -20.0f}));
  EXPECT_TRUE(result[0].equal(at::ones({5})));
  EXPECT_TRUE(result[1].equal(at::full({5}, 0.1f)));
}

TEST(Gain, AnEmptyBatchGivesAnEmptyBatch) {
  EXPECT_EQ(gain(at::ones({0, 5}), at::zeros({0})).sizes(), (at::IntArrayRef{0, 5}));
}

}  // namespace
}  // namespace singerprint
