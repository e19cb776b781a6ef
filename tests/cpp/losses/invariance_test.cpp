#include "losses/invariance.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <tuple>

namespace singerprint {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;

double invariance(const at::Tensor& first, const at::Tensor& second) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::invariance", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&)>();
  return op.call(first, second).item<double>();
}

Pair invariance_backward(const at::Tensor& first, const at::Tensor& second) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::invariance_backward", "")
                             .typed<Pair(const at::Tensor&, const at::Tensor&, const at::Tensor&)>();
  return op.call(at::ones({}, first.options()), first, second);
}

TEST(Invariance, IsTheMeanOverAllElements) {
  const at::Tensor rows = at::tensor({1.0f, 2.0f, 3.0f, 4.0f}).view({2, 2});
  EXPECT_EQ(invariance(rows, rows), 0.0);
  EXPECT_EQ(invariance(rows, rows + 3), 9.0);
  EXPECT_EQ(invariance(rows, at::zeros({2, 2})), 7.5);
}

TEST(Invariance, PullsTheViewsTogetherEquallyHard) {
  const at::Tensor rows = at::tensor({1.0, 2.0, 3.0, 4.0}, at::kDouble).view({2, 2});
  const auto [grad_first, grad_second] = invariance_backward(rows, at::zeros({2, 2}, at::kDouble));
  EXPECT_TRUE(grad_first.equal(rows / 2));
  EXPECT_TRUE(grad_second.equal(-rows / 2));
}

}  // namespace
}  // namespace singerprint
