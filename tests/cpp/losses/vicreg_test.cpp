#include "losses/vicreg.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <tuple>

namespace singerprint {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;

Pair vicreg(const at::Tensor& first, const at::Tensor& second, const VicregOptions& options) {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("singerprint::vicreg", "")
          .typed<Pair(const at::Tensor&, const at::Tensor&, double, double, double, double, double)>();
  return op.call(first, second, options.invariance_weight, options.variance_weight, options.covariance_weight,
                 options.gamma, options.eps);
}

double loss(const at::Tensor& first, const at::Tensor& second, const VicregOptions& options) {
  return std::get<0>(vicreg(first, second, options)).item<double>();
}

Pair vicreg_backward(const at::Tensor& first, const at::Tensor& second, const VicregOptions& options) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::vicreg_backward", "")
                             .typed<Pair(const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                         double, double, double, double, double)>();
  return op.call(at::ones({}, first.options()), first, second, std::get<1>(vicreg(first, second, options)),
                 options.invariance_weight, options.variance_weight, options.covariance_weight, options.gamma,
                 options.eps);
}

constexpr VicregOptions kDefaults{25.0, 25.0, 1.0, 1.0, 1e-4};

TEST(Vicreg, EachWeightCountsItsOwnTerm) {
  // Columns (-1, 1) and (-2, 2) spread beyond gamma and have covariance 4; the other view is collapsed at 0.
  const at::Tensor first = at::tensor({-1.0, -2.0, 1.0, 2.0}, at::kDouble).view({2, 2});
  const at::Tensor second = at::zeros({2, 2}, at::kDouble);
  EXPECT_DOUBLE_EQ(loss(first, second, {1.0, 0.0, 0.0, 1.0, 1e-4}), 2.5);
  EXPECT_DOUBLE_EQ(loss(first, second, {0.0, 1.0, 0.0, 1.0, 1e-4}), 0.99 / 2);
  EXPECT_DOUBLE_EQ(loss(first, second, {0.0, 0.0, 1.0, 1.0, 1e-4}), 16.0);
  EXPECT_DOUBLE_EQ(loss(first, second, kDefaults), 25 * 2.5 + 25 * 0.99 / 2 + 16.0);
}

TEST(Vicreg, CollapsedViewsAreFiniteAndStayWhereTheyAre) {
  const at::Tensor same = at::full({6, 9}, 0.3f);
  EXPECT_FLOAT_EQ(static_cast<float>(loss(same, same, kDefaults)), 24.75f);
  const auto [grad_first, grad_second] = vicreg_backward(same, same, kDefaults);
  EXPECT_TRUE(grad_first.equal(at::zeros({6, 9})));
  EXPECT_TRUE(grad_second.equal(at::zeros({6, 9})));
}

TEST(Vicreg, AStepAgainstTheGradientLowersTheLoss) {
  at::manual_seed(0);
  for (const std::int64_t rows : {8, 20}) {
    const at::Tensor first = at::randn({rows, 28 - rows}) * 0.5;
    const at::Tensor second = at::randn({rows, 28 - rows}) * 0.5;
    const auto [grad_first, grad_second] = vicreg_backward(first, second, kDefaults);
    EXPECT_LT(loss(first - 0.01 * grad_first, second - 0.01 * grad_second, kDefaults), loss(first, second, kDefaults));
  }
}

}  // namespace
}  // namespace singerprint
