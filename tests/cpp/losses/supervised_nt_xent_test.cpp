#include "losses/supervised_nt_xent.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <tuple>

namespace singerprint {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;

Pair supervised_nt_xent(const at::Tensor& embeddings, const at::Tensor& singers, double temperature) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::supervised_nt_xent", "")
                             .typed<Pair(const at::Tensor&, const at::Tensor&, double)>();
  return op.call(embeddings, singers, temperature);
}

at::Tensor supervised_nt_xent_backward(const at::Tensor& embeddings, const at::Tensor& singers, double temperature) {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("singerprint::supervised_nt_xent_backward", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&, double)>();
  const at::Tensor log_sum_exp = std::get<1>(supervised_nt_xent(embeddings, singers, temperature));
  return op.call(at::ones({}, embeddings.options()), embeddings, singers, log_sum_exp, temperature);
}

double loss(const at::Tensor& embeddings, const at::Tensor& singers, double temperature) {
  return std::get<0>(supervised_nt_xent(embeddings, singers, temperature)).item<double>();
}

TEST(SupervisedNtXent, OrthogonalSingersHaveAClosedForm) {
  // Three rows of either singer: a positive at cosine 1 and three negatives at 0, for each of its two positives.
  const at::Tensor rows = at::eye(2, at::kDouble).repeat({3, 1});
  EXPECT_DOUBLE_EQ(loss(rows, at::arange(6).remainder(2), 0.5), std::log(1.0 + 3.0 * std::exp(-2.0)));
}

TEST(SupervisedNtXent, CollapsedEmbeddingsCostTheLogOfTheOthers) {
  const at::Tensor rows = at::ones({600, 4}, at::kDouble);
  // 594 rows of other singers and one positive; eps / temperature and a mean of 600.
  EXPECT_NEAR(loss(rows, at::arange(600).remainder(100), 0.005), std::log(595.0), 1e-12);
}

TEST(SupervisedNtXent, ASingersRowsAreNoNegativesOfEachOther) {
  // One singer alone has no negatives, however far its rows are apart.
  const at::Tensor rows = at::eye(3);
  const at::Tensor singers = at::zeros({3}, at::kLong);
  EXPECT_EQ(loss(rows, singers, 0.1), 0.0);
  EXPECT_TRUE(supervised_nt_xent_backward(rows, singers, 0.1).equal(at::zeros({3, 3})));
}

TEST(SupervisedNtXent, WithoutAnyPairOfASingerItIsRefused) {
  EXPECT_THROW(loss(at::eye(3), at::arange(3), 0.1), c10::ValueError);
}

TEST(SupervisedNtXent, ARowWithoutAPositiveIsANegativeAlone) {
  const at::Tensor rows = at::eye(3, at::kDouble);
  const at::Tensor singers = at::tensor({5, -2, 5}, at::kLong);
  // Two anchors, positive and negative at cosine 0.
  EXPECT_DOUBLE_EQ(loss(rows, singers, 0.5), std::log(2.0));
}

TEST(SupervisedNtXent, AnAnchorWithoutPositivesWeighsNothing) {
  const SupervisedAnchor anchor = supervised_anchor({}, 0, 3.0);
  EXPECT_EQ(anchor.loss, 0.0);
  EXPECT_EQ(anchor.normalizer, INFINITY);
}

TEST(SupervisedNtXent, AStepAgainstTheGradientLowersTheLoss) {
  at::manual_seed(0);
  const at::Tensor rows = at::randn({40, 16});
  const at::Tensor singers = at::arange(40).remainder(9);
  const at::Tensor stepped = rows - 0.1 * supervised_nt_xent_backward(rows, singers, 0.2);
  EXPECT_LT(loss(stepped, singers, 0.2), loss(rows, singers, 0.2));
}

}  // namespace
}  // namespace singerprint
