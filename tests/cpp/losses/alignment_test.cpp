#include "losses/alignment.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <tuple>

namespace singerprint {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;

double alignment(const at::Tensor& first, const at::Tensor& second, double alpha) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::alignment", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&, double)>();
  return op.call(first, second, alpha).item<double>();
}

Pair alignment_backward(const at::Tensor& first, const at::Tensor& second, double alpha) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::alignment_backward", "")
                             .typed<Pair(const at::Tensor&, const at::Tensor&, const at::Tensor&, double)>();
  return op.call(at::ones({}, first.options()), first, second, alpha);
}

TEST(Alignment, RunsFromZeroToTwoToThePower) {
  const at::Tensor right = at::tensor({1.0, 0.0}, at::kDouble).view({1, 2});
  const at::Tensor up = at::tensor({0.0, 2.0}, at::kDouble).view({1, 2});
  for (const double alpha : {1.0, 2.0, 3.0}) {
    EXPECT_EQ(alignment(right, right * 4, alpha), 0.0);
    EXPECT_DOUBLE_EQ(alignment(right, up, alpha), std::pow(std::sqrt(2.0), alpha));
    EXPECT_DOUBLE_EQ(alignment(right, -right, alpha), std::pow(2.0, alpha));
  }
}

TEST(Alignment, IsTheMeanOverTheBatch) {
  const at::Tensor rows = at::eye(2, at::kDouble);
  EXPECT_EQ(alignment(rows, rows * at::tensor({1.0, -1.0}, at::kDouble).view({2, 1}), 2.0), 2.0);
}

TEST(Alignment, OrthogonalRowsPullStraightTowardEachOther) {
  const at::Tensor right = at::tensor({1.0, 0.0}, at::kDouble).view({1, 2});
  const at::Tensor up = at::tensor({0.0, 4.0}, at::kDouble).view({1, 2});
  const auto [grad_first, grad_second] = alignment_backward(right, up, 2.0);
  EXPECT_TRUE(grad_first.equal(at::tensor({0.0, -2.0}, at::kDouble).view({1, 2})));
  EXPECT_TRUE(grad_second.equal(at::tensor({-0.5, 0.0}, at::kDouble).view({1, 2})));  // a row four times as long
}

TEST(Alignment, WhereViewsAgreeTheSlopeIsZero) {
  for (const double alpha : {1.0, 1.5, 3.0}) EXPECT_EQ(alignment_slope(0.0, alpha), 0.0);
  EXPECT_EQ(alignment_slope(0.0, 2.0), 1.0);  // by the squared distance, whose own gradient is 0
  const at::Tensor rows = at::tensor({1.0, 0.0, 0.0, 1.0}).view({2, 2});
  EXPECT_TRUE(std::get<0>(alignment_backward(rows, rows, 1.0)).equal(at::zeros({2, 2})));
}

TEST(Alignment, AZeroRowIsOrthogonalAndHasAFiniteGradient) {
  const at::Tensor zero = at::zeros({1, 2});
  const at::Tensor right = at::tensor({1.0f, 0.0f}).view({1, 2});
  EXPECT_EQ(alignment(zero, right, 2.0), 2.0);
  EXPECT_TRUE(std::get<0>(alignment_backward(zero, right, 1.0)).isfinite().all().item<bool>());
}

}  // namespace
}  // namespace singerprint
