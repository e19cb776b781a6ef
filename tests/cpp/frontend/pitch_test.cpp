#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace singerprint {
namespace {

at::Tensor pitch(const at::Tensor& waveforms, std::int64_t hop_length) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::pitch", "")
                             .typed<at::Tensor(const at::Tensor&, double, std::int64_t, double, double)>();
  return op.call(waveforms, 44100.0, hop_length, 60.0, 1500.0);
}

at::Tensor tone(double hz, std::int64_t samples) {
  return at::sin(at::arange(samples, at::kDouble) * (2.0 * std::numbers::pi * hz / 44100.0)).to(at::kFloat);
}

TEST(Pitch, HasAFrameAtEveryHopAndOneMore) {
  for (const std::int64_t samples : {0, 1, 511, 512, 44100}) {
    EXPECT_EQ(pitch(at::zeros({2, samples}), 512).sizes(), (at::IntArrayRef{2, samples / 512 + 1}));
  }
}

TEST(Pitch, EveryClipHasItsOwn) {
  const at::Tensor hz = pitch(at::stack({tone(110.0, 22050), at::zeros({22050}), tone(880.0, 22050)}), 256);
  const at::Tensor inside = hz.narrow(1, 10, hz.size(1) - 20);
  // Three cents, what the window leaves of a lone low sine; one and a half of a high one.
  EXPECT_TRUE(inside[0].sub(110.0).abs().max().item<float>() < 0.2f);
  EXPECT_TRUE(hz[1].eq(0.0).all().item<bool>());
  EXPECT_TRUE(inside[2].sub(880.0).abs().max().item<float>() < 0.8f);
}

}  // namespace
}  // namespace singerprint
