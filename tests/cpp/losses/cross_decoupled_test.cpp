#include "losses/cross_decoupled.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <tuple>

namespace singerprint {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;

double loss(const at::Tensor& first, const at::Tensor& second, double temperature) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::cross_decoupled", "")
                             .typed<Pair(const at::Tensor&, const at::Tensor&, double)>();
  return std::get<0>(op.call(first, second, temperature)).item<double>();
}

TEST(CrossDecoupled, OrthogonalPairsHaveAClosedForm) {
  // Each anchor sees its positive at cosine 1 and two negatives at 0.
  const at::Tensor views = at::eye(3, at::kDouble);
  EXPECT_DOUBLE_EQ(loss(views, views * 7, 0.5), std::log(2.0) - 2.0);
}

TEST(CrossDecoupled, CollapsedEmbeddingsCostTheLogOfTheNegatives) {
  const at::Tensor views = at::ones({300, 4}, at::kDouble);
  EXPECT_NEAR(loss(views, views, 0.005), std::log(299.0), 1e-12);  // eps / temperature and a mean of 300
}

TEST(CrossDecoupled, RowsOfTheAnchorsViewAreNoNegatives) {
  // The anchors are alike, which costs nothing: each sees its positive at cosine 1 or 0 and one negative at 0 or 1.
  const at::Tensor first = at::tensor({1.0, 0.0}, at::kDouble).view({1, 2}).repeat({2, 1});
  EXPECT_DOUBLE_EQ(loss(first, at::eye(2, at::kDouble), 0.5), 0.0);
}

TEST(CrossDecoupled, OnePairIsRefused) {
  const at::Tensor first = at::ones({1, 3});
  EXPECT_THROW(loss(first, first, 0.1), c10::ValueError);
}

TEST(CrossDecoupled, AStepAgainstTheGradientLowersTheLoss) {
  static const auto forward = c10::Dispatcher::singleton()
                                  .findSchemaOrThrow("singerprint::cross_decoupled", "")
                                  .typed<Pair(const at::Tensor&, const at::Tensor&, double)>();
  static const auto backward =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("singerprint::cross_decoupled_backward", "")
          .typed<Pair(const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&, double)>();
  at::manual_seed(0);
  const at::Tensor first = at::randn({40, 16});
  const at::Tensor second = at::randn({40, 16});
  const at::Tensor log_sum_exp = std::get<1>(forward.call(first, second, 0.2));
  const auto [grad_first, grad_second] = backward.call(at::ones({}), first, second, log_sum_exp, 0.2);
  EXPECT_LT(loss(first - 0.1 * grad_first, second - 0.1 * grad_second, 0.2), loss(first, second, 0.2));
}

}  // namespace
}  // namespace singerprint
