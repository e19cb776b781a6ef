#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <numbers>

namespace singerprint {
namespace {

at::Tensor pitch_shift(const at::Tensor& waveforms, const at::Tensor& pitch_ratio) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::pitch_shift", "")
                             .typed<at::Tensor(const at::Tensor&, double, const at::Tensor&, const at::Tensor&,
                                               const at::Tensor&, bool)>();
  const at::Tensor one = at::ones_like(pitch_ratio);
  return op.call(waveforms, 44100.0, pitch_ratio, one, one, false);
}

at::Tensor tone(double hz, std::int64_t samples) {
  return at::sin(at::arange(samples, at::kDouble) * (2.0 * std::numbers::pi * hz / 44100.0)).to(at::kFloat);
}

TEST(PitchShift, EveryClipHasItsOwnRatio) {
  const at::Tensor waveforms = at::stack({tone(110.0, 22050), tone(110.0, 22050), tone(440.0, 22050)});
  const at::Tensor ratios = at::tensor({1.0, 1.2, 0.8}, at::kFloat);
  const at::Tensor shifted = pitch_shift(waveforms, ratios);
  EXPECT_TRUE(shifted[0].equal(waveforms[0]));
  for (const std::int64_t clip : {1, 2}) {
    EXPECT_FALSE(shifted[clip].equal(waveforms[clip]));
    EXPECT_TRUE(shifted[clip].equal(pitch_shift(waveforms.narrow(0, clip, 1), ratios.narrow(0, clip, 1))[0]));
  }
}

TEST(PitchShift, AnEmptyBatchAndAnEmptyWaveformStayEmpty) {
  EXPECT_EQ(pitch_shift(at::ones({0, 100}), at::ones({0})).sizes(), (at::IntArrayRef{0, 100}));
  EXPECT_EQ(pitch_shift(at::ones({2, 0}), at::full({2}, 1.5)).sizes(), (at::IntArrayRef{2, 0}));
}

}  // namespace
}  // namespace singerprint
