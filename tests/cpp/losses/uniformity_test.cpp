#include "losses/uniformity.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <tuple>

namespace singerprint {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;

Pair uniformity(const at::Tensor& embeddings, double t) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::uniformity", "")
                             .typed<Pair(const at::Tensor&, double)>();
  return op.call(embeddings, t);
}

at::Tensor uniformity_backward(const at::Tensor& embeddings, double t) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::uniformity_backward", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, double)>();
  return op.call(at::ones({}, embeddings.options()), embeddings, std::get<1>(uniformity(embeddings, t)), t);
}

double loss(const at::Tensor& embeddings, double t) { return std::get<0>(uniformity(embeddings, t)).item<double>(); }

// The offset of 2 t + log(batch (batch - 1)) is taken off again: a few roundings of it.
constexpr double kRounding = 1e-14;

TEST(Uniformity, TwoOppositeRowsCostMinusFourT) {
  const at::Tensor rows = at::tensor({1.0, -3.0}, at::kDouble).view({2, 1});
  EXPECT_NEAR(loss(rows, 2.0), -8.0, kRounding);
}

TEST(Uniformity, OrthogonalRowsCostMinusTwoT) {
  const at::Tensor rows = at::eye(5, at::kDouble);
  EXPECT_NEAR(loss(rows, 3.0), -6.0, kRounding);
}

TEST(Uniformity, CollapsedRowsCostNothingAndPullNowhere) {
  const at::Tensor rows = at::tensor({3.0, 4.0}, at::kDouble).view({1, 2}).repeat({300, 1});
  EXPECT_NEAR(loss(rows, 2.0), 0.0, kRounding);
  EXPECT_LE(uniformity_backward(rows, 2.0).abs().max().item<double>(), kRounding);
}

TEST(Uniformity, OneRowIsRefused) { EXPECT_THROW(loss(at::ones({1, 3}), 2.0), c10::ValueError); }

TEST(Uniformity, AStepAgainstTheGradientLowersTheLoss) {
  at::manual_seed(0);
  const at::Tensor rows = at::randn({40, 3});
  EXPECT_LT(loss(rows - 0.1 * uniformity_backward(rows, 2.0), 2.0), loss(rows, 2.0));
}

}  // namespace
}  // namespace singerprint
