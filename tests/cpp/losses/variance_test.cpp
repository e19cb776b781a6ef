#include "losses/variance.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

namespace singerprint {
namespace {

double variance(const at::Tensor& embeddings, double gamma) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::variance", "")
                             .typed<at::Tensor(const at::Tensor&, double, double)>();
  return op.call(embeddings, gamma, 1e-4).item<double>();
}

at::Tensor variance_backward(const at::Tensor& embeddings, double gamma) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::variance_backward", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&, double, double)>();
  return op.call(at::ones({}, embeddings.options()), embeddings, gamma, 1e-4);
}

TEST(Variance, ACollapsedBatchMissesGammaByAllButEps) {
  const at::Tensor same = at::full({4, 3}, 5.0, at::kDouble);
  EXPECT_DOUBLE_EQ(variance(same, 1.0), 0.99);  // sqrt(1e-4) = 0.01
  EXPECT_TRUE(variance_backward(same, 1.0).equal(at::zeros({4, 3}, at::kDouble)));
}

TEST(Variance, ASpreadBatchCostsNothing) {
  const at::Tensor spread = at::tensor({-2.0f, 2.0f}).view({2, 1});
  EXPECT_EQ(variance(spread, 1.0), 0.0);
  EXPECT_TRUE(variance_backward(spread, 1.0).equal(at::zeros({2, 1})));
}

TEST(Variance, AStepAgainstTheGradientSpreadsTheColumns) {
  at::manual_seed(0);
  const at::Tensor narrow = at::randn({20, 8}, at::kDouble) * 0.1;
  EXPECT_LT(variance(narrow - variance_backward(narrow, 1.0), 1.0), variance(narrow, 1.0));
}

}  // namespace
}  // namespace singerprint
