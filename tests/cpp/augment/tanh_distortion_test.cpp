#include "augment/tanh_distortion.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <cmath>

namespace singerprint {
namespace {

at::Tensor tanh_distortion(const at::Tensor& waveforms, float amount) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::tanh_distortion", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&)>();
  return op.call(waveforms, at::full({waveforms.size(0)}, amount));
}

TEST(TanhDistortion, TheScalarTanhIsTheLibrarys) {
  for (float x = -12.0f; x <= 12.0f; x += 0.0137f) {
    // The fit, and ten roundings of half an ulp that mostly cancel.
    EXPECT_NEAR(soft_tanh(x), std::tanh(static_cast<double>(x)), 4 * 0x1p-24 * std::abs(std::tanh(x))) << x;
  }
  EXPECT_EQ(soft_tanh(0.0f), 0.0f);
  EXPECT_EQ(soft_tanh(INFINITY), soft_tanh(kTanhLimit));
  EXPECT_TRUE(std::isnan(soft_tanh(std::nanf(""))));
}

TEST(TanhDistortion, KeepsTheLevelAndNotTheShape) {
  const at::Tensor waveforms = at::randn({3, 1001});
  const at::Tensor result = tanh_distortion(waveforms, 0.5f);
  EXPECT_TRUE(result.square().mean(1).sqrt().allclose(waveforms.square().mean(1).sqrt(), 1e-6));
  EXPECT_LT(result.abs().max().item<float>(), 0.8f * waveforms.abs().max().item<float>());
}

TEST(TanhDistortion, AmountZeroChangesNothing) {
  const at::Tensor waveforms = at::randn({2, 77});
  EXPECT_TRUE(tanh_distortion(waveforms, 0.0f).equal(waveforms));
}

TEST(TanhDistortion, SilenceStaysSilence) {
  EXPECT_TRUE(tanh_distortion(at::zeros({1, 50}), 0.3f).equal(at::zeros({1, 50})));
}

}  // namespace
}  // namespace singerprint
