#include "losses/am_softmax.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <tuple>

namespace singerprint {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;

Pair am_softmax(const at::Tensor& embeddings, const at::Tensor& weights, const at::Tensor& singers, double scale,
                double margin) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::am_softmax", "")
                             .typed<Pair(const at::Tensor&, const at::Tensor&, const at::Tensor&, double, double)>();
  return op.call(embeddings, weights, singers, scale, margin);
}

double loss(const at::Tensor& embeddings, const at::Tensor& weights, const at::Tensor& singers, double scale,
            double margin) {
  return std::get<0>(am_softmax(embeddings, weights, singers, scale, margin)).item<double>();
}

TEST(AmSoftmax, OrthogonalSingersHaveAClosedForm) {
  // Cosine 1 with its own singer's row, less the margin, and 0 with the two others.
  const at::Tensor rows = at::eye(3, at::kDouble);
  EXPECT_DOUBLE_EQ(loss(rows * 7, rows, at::arange(3), 2.0, 0.25), std::log(1.0 + 2.0 * std::exp(-1.5)));
}

TEST(AmSoftmax, TheOnlySingerCostsNothing) {
  EXPECT_EQ(loss(at::ones({4, 3}), at::ones({1, 3}), at::zeros({4}, at::kLong), 30.0, 0.2), 0.0);
}

TEST(AmSoftmax, AMarginCostsAsMuchAsItTakesOff) {
  // All cosines are 0 and the other singer is certain: the loss is the margin of 30 * 2 and log(1 + exp(-60)).
  const at::Tensor weights = at::eye(3, at::kDouble).slice(0, 0, 2);
  const at::Tensor embeddings = at::eye(3, at::kDouble).slice(0, 2, 3);
  EXPECT_DOUBLE_EQ(loss(embeddings, weights, at::zeros({1}, at::kLong), 30.0, 2.0), 60.0);
}

TEST(AmSoftmax, ASingerOutsideTheWeightsIsRefused) {
  for (const std::int64_t singer : {-1, 3}) {
    EXPECT_THROW(loss(at::ones({1, 2}), at::ones({3, 2}), at::full({1}, singer, at::kLong), 30.0, 0.2),
                 c10::ValueError);
  }
}

TEST(AmSoftmax, AStepAgainstTheGradientLowersTheLoss) {
  static const auto backward = c10::Dispatcher::singleton()
                                   .findSchemaOrThrow("singerprint::am_softmax_backward", "")
                                   .typed<Pair(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                               const at::Tensor&, const at::Tensor&, double, double)>();
  at::manual_seed(0);
  const at::Tensor embeddings = at::randn({40, 16});
  const at::Tensor weights = at::randn({7, 16});
  const at::Tensor singers = at::arange(40).remainder(7);
  const at::Tensor log_sum_exp = std::get<1>(am_softmax(embeddings, weights, singers, 30.0, 0.2));
  const auto [grad_embeddings, grad_weights] =
      backward.call(at::ones({}), embeddings, weights, singers, log_sum_exp, 30.0, 0.2);
  EXPECT_LT(loss(embeddings - 0.1 * grad_embeddings, weights - 0.1 * grad_weights, singers, 30.0, 0.2),
            loss(embeddings, weights, singers, 30.0, 0.2));
}

}  // namespace
}  // namespace singerprint
