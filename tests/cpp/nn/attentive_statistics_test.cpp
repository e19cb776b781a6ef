#include "nn/attentive_statistics.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace singerprint {
namespace {

TEST(AttentiveStatistics, EqualScoresGiveMeanAndDeviation) {
  const at::Tensor frames = at::randn({3, 5, 11}, at::kDouble);
  const at::Tensor result = attentive_statistics(frames, at::zeros({3, 11}, at::kDouble), 1e-12);
  EXPECT_TRUE(at::allclose(result.slice(1, 0, 5), frames.mean(2)));
  EXPECT_TRUE(at::allclose(result.slice(1, 5), frames.std(2, /*unbiased=*/false)));
}

TEST(AttentiveStatistics, AScoreFarAboveTheOthersLeavesOneFrame) {
  const at::Tensor frames = at::randn({1, 4, 6});
  at::Tensor scores = at::zeros({1, 6});
  scores[0][2] = 200.0;
  const at::Tensor result = attentive_statistics(frames, scores, 1e-6);
  EXPECT_TRUE(result.slice(1, 0, 4).equal(frames.select(2, 2)));
  EXPECT_TRUE(result.slice(1, 4).equal(at::full({1, 4}, 1e-6).sqrt()));
}

TEST(AttentiveStatistics, FramesThatAreEqualHaveAGradient) {
  const at::Tensor frames = at::ones({2, 3, 7}).requires_grad_();
  const at::Tensor scores = at::randn({2, 7}).requires_grad_();
  attentive_statistics(frames, scores, 1e-6).sum().backward();
  EXPECT_TRUE(frames.grad().isfinite().all().item<bool>());
  EXPECT_TRUE(scores.grad().isfinite().all().item<bool>());
}

TEST(AttentiveStatistics, RefusesScoresOfOtherFrames) {
  try {
    attentive_statistics(at::ones({2, 3, 7}), at::ones({2, 6}), 1e-6);
    FAIL();
  } catch (const c10::ValueError& error) {
    EXPECT_STREQ(error.what_without_backtrace(), "attentive_statistics: scores must have shape [2, 7], got [2, 6]");
  }
}

}  // namespace
}  // namespace singerprint
