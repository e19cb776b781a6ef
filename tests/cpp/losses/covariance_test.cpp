#include "losses/covariance.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <tuple>

namespace singerprint {
namespace {

using LossAndProduct = std::tuple<at::Tensor, at::Tensor>;

LossAndProduct covariance(const at::Tensor& embeddings) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::covariance", "")
                             .typed<LossAndProduct(const at::Tensor&)>();
  return op.call(embeddings);
}

double loss(const at::Tensor& embeddings) { return std::get<0>(covariance(embeddings)).item<double>(); }

at::Tensor covariance_backward(const at::Tensor& embeddings) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::covariance_backward", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&)>();
  return op.call(at::ones({}, embeddings.options()), embeddings, std::get<1>(covariance(embeddings)));
}

TEST(Covariance, ColumnsThatVaryTogetherCostTheirCovariance) {
  // Columns (-1, 1) and (-2, 2): covariance 4, twice in C, over dim = 2.
  const at::Tensor together = at::tensor({-1.0f, -2.0f, 1.0f, 2.0f}).view({2, 2});
  EXPECT_EQ(loss(together), 16.0);
}

TEST(Covariance, OneColumnHasNoOther) {
  const at::Tensor column = at::tensor({1.0f, 5.0f, -3.0f}).view({3, 1});
  EXPECT_EQ(loss(column), 0.0);
  EXPECT_TRUE(covariance_backward(column).equal(at::zeros({3, 1})));
}

TEST(Covariance, KeepsTheSmallerSquare) {
  at::manual_seed(0);
  EXPECT_EQ(std::get<1>(covariance(at::randn({7, 30}))).sizes(), at::IntArrayRef({7, 7}));
  EXPECT_EQ(std::get<1>(covariance(at::randn({30, 7}))).sizes(), at::IntArrayRef({7, 7}));
}

TEST(Covariance, AStepAgainstTheGradientLowersTheLoss) {
  at::manual_seed(0);
  for (const std::int64_t rows : {8, 20}) {
    const at::Tensor x = at::randn({rows, 28 - rows}, at::kDouble);
    EXPECT_LT(loss(x - 0.01 * covariance_backward(x)), loss(x));
  }
}

}  // namespace
}  // namespace singerprint
