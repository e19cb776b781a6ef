#include "losses/byol.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <tuple>

namespace singerprint {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;

double byol(const at::Tensor& prediction, const at::Tensor& target) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::byol", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&)>();
  return op.call(prediction, target).item<double>();
}

Pair byol_backward(const at::Tensor& prediction, const at::Tensor& target) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::byol_backward", "")
                             .typed<Pair(const at::Tensor&, const at::Tensor&, const at::Tensor&)>();
  return op.call(at::ones({}, prediction.options()), prediction, target);
}

TEST(Byol, RunsFromZeroToFour) {
  const at::Tensor right = at::tensor({1.0, 0.0}, at::kDouble).view({1, 2});
  const at::Tensor up = at::tensor({0.0, 2.0}, at::kDouble).view({1, 2});
  EXPECT_EQ(byol(right, right * 3), 0.0);
  EXPECT_EQ(byol(right, up), 2.0);
  EXPECT_EQ(byol(right, -right), 4.0);
}

TEST(Byol, IsTheMeanOverTheBatch) {
  const at::Tensor rows = at::eye(2, at::kDouble);
  EXPECT_EQ(byol(rows, rows * at::tensor({1.0, -1.0}, at::kDouble).view({2, 1})), 2.0);
}

TEST(Byol, OrthogonalRowsPullStraightTowardEachOther) {
  const at::Tensor right = at::tensor({1.0, 0.0}, at::kDouble).view({1, 2});
  const at::Tensor up = at::tensor({0.0, 4.0}, at::kDouble).view({1, 2});
  const auto [grad_prediction, grad_target] = byol_backward(right, up);
  EXPECT_TRUE(grad_prediction.equal(at::tensor({0.0, -2.0}, at::kDouble).view({1, 2})));
  EXPECT_TRUE(grad_target.equal(at::tensor({-0.5, 0.0}, at::kDouble).view({1, 2})));  // a row four times as long
}

TEST(Byol, AZeroRowCostsTwoAndHasAFiniteGradient) {
  const at::Tensor zero = at::zeros({1, 2});
  const at::Tensor right = at::tensor({1.0f, 0.0f}).view({1, 2});
  EXPECT_EQ(byol(zero, right), 2.0);
  const auto [grad_zero, grad_right] = byol_backward(zero, right);
  EXPECT_TRUE(grad_zero.isfinite().all().item<bool>());
  EXPECT_TRUE(grad_right.equal(at::zeros({1, 2})));
}

}  // namespace
}  // namespace singerprint
