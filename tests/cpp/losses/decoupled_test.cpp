#include "losses/decoupled.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <tuple>

namespace singerprint {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;

Pair decoupled(const at::Tensor& first, const at::Tensor& second, double temperature) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::decoupled", "")
                             .typed<Pair(const at::Tensor&, const at::Tensor&, double)>();
  return op.call(first, second, temperature);
}

Pair decoupled_backward(const at::Tensor& first, const at::Tensor& second, double temperature) {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("singerprint::decoupled_backward", "")
          .typed<Pair(const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&, double)>();
  const at::Tensor log_sum_exp = std::get<1>(decoupled(first, second, temperature));
  return op.call(at::ones({}, first.options()), first, second, log_sum_exp, temperature);
}

double loss(const at::Tensor& first, const at::Tensor& second, double temperature) {
  return std::get<0>(decoupled(first, second, temperature)).item<double>();
}

TEST(Decoupled, OrthogonalPairsHaveAClosedForm) {
  // Each anchor sees its positive at cosine 1 and two negatives at 0.
  const at::Tensor views = at::eye(2, at::kDouble);
  EXPECT_DOUBLE_EQ(loss(views, views * 7, 0.5), std::log(2.0) - 2.0);
}

TEST(Decoupled, CollapsedEmbeddingsCostTheLogOfTheNegatives) {
  const at::Tensor views = at::ones({300, 4}, at::kDouble);
  EXPECT_NEAR(loss(views, views, 0.005), std::log(598.0), 1e-12);  // eps / temperature and a mean of 600
}

TEST(Decoupled, AntipodalPairsAreFinite) {
  const at::Tensor first = at::tensor({1.0, 0.0}, at::kDouble).view({1, 2}).repeat({2, 1});
  // Positive at -1; of the two negatives one at 1 and one at -1.
  EXPECT_DOUBLE_EQ(loss(first, -first, 0.5), 2.0 + std::log(std::exp(2.0) + std::exp(-2.0)));
}

TEST(Decoupled, OnePairIsRefused) {
  const at::Tensor first = at::ones({1, 3});
  EXPECT_THROW(loss(first, first, 0.1), c10::ValueError);
}

TEST(Decoupled, AStepAgainstTheGradientLowersTheLoss) {
  at::manual_seed(0);
  const at::Tensor first = at::randn({40, 16});
  const at::Tensor second = at::randn({40, 16});
  const auto [grad_first, grad_second] = decoupled_backward(first, second, 0.2);
  EXPECT_LT(loss(first - 0.1 * grad_first, second - 0.1 * grad_second, 0.2), loss(first, second, 0.2));
}

}  // namespace
}  // namespace singerprint
