#include "losses/vicreg_terms.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace singerprint {
namespace {

at::Tensor made_product(const CentredColumns& columns) {
  const std::int64_t size = std::min(columns.centred.size(0), columns.centred.size(1));
  const at::Tensor product = at::empty({size, size}, at::kDouble);
  write_product(columns, product);
  return product;
}

// Three columns of which two are the same: batch rows, dim columns after zero columns are put behind them.
at::Tensor two_alike(std::int64_t dim) {
  const at::Tensor x = at::zeros({3, dim}, at::kDouble);
  for (const int column : {0, 1}) x.select(1, column).copy_(at::tensor({-1.0, 0.0, 1.0}, at::kDouble));
  return x;
}

TEST(VicregTerms, ColumnsLoseTheirMeansAndKeepTheirVariances) {
  const CentredColumns columns = centred_columns(at::tensor({1.0f, 7.0f, 3.0f, 7.0f}).view({2, 2}));
  EXPECT_TRUE(columns.centred.equal(at::tensor({-1.0, 0.0, 1.0, 0.0}, at::kDouble).view({2, 2})));
  EXPECT_TRUE(columns.variances.equal(at::tensor({2.0, 0.0}, at::kDouble)));
}

TEST(VicregTerms, BothSquaresGiveTheSameCovariance) {
  // C has two elements of 1 beside its diagonal: 2 / dim, by columns (dim 3) and by rows (dim 4, 100).
  for (const std::int64_t dim : {3, 4, 100}) {
    const CentredColumns columns = centred_columns(two_alike(dim));
    const at::Tensor product = made_product(columns);
    EXPECT_EQ(product.size(0), 3);
    EXPECT_DOUBLE_EQ(covariance_term(columns, product).item<double>(), 2.0 / static_cast<double>(dim));
  }
}

TEST(VicregTerms, BothSquaresGiveTheSameGradient) {
  at::manual_seed(0);
  const at::Tensor x = at::randn({9, 9}, at::kDouble);
  const at::Tensor wider = at::cat({x, at::zeros({9, 1}, at::kDouble)}, 1);  // 9 < 10: by rows
  const auto gradient_of = [](const at::Tensor& embeddings) {
    const CentredColumns columns = centred_columns(embeddings);
    const double dim = static_cast<double>(embeddings.size(1));
    return gradient_with_covariance(columns, at::zeros_like(columns.variances), made_product(columns), dim);
  };
  const at::Tensor expected = gradient_of(x);
  const at::Tensor result = gradient_of(wider);
  // Sums of nine products of numbers near 1, in two orders.
  EXPECT_LE((result.narrow(1, 0, 9) - expected).abs().max().item<double>(), 1e-14);
  EXPECT_TRUE(result.select(1, 9).equal(at::zeros({9}, at::kDouble)));
}

TEST(VicregTerms, PanelsMakeTheWholeSymmetricProduct) {
  at::manual_seed(0);
  for (const std::int64_t rows : {1, 63, 64, 65, 129, 600}) {  // one row more: around a panel of 64, and 601 / 8
    const CentredColumns columns = centred_columns(at::randn({rows + 1, 700}, at::kDouble));
    const at::Tensor product = made_product(columns);
    const at::Tensor expected = columns.centred.mm(columns.centred.t()) / static_cast<double>(rows);
    // Sums of 700 products in two orders: at most 700 roundings of a sum that stays below 1,000.
    EXPECT_LE((product - expected).abs().max().item<double>(), 700 * 1.2e-16 * 1000 / static_cast<double>(rows));
  }
}

TEST(VicregTerms, OneColumnAboveAllOthersNeverCostsLessThanNothing) {
  at::manual_seed(0);
  const at::Tensor x = at::zeros({5, 30}, at::kDouble);
  x.select(1, 4).copy_(at::randn({5}, at::kDouble));
  const CentredColumns columns = centred_columns(x);
  const double loss = covariance_term(columns, made_product(columns)).item<double>();
  EXPECT_GE(loss, 0.0);
  EXPECT_LE(loss, 5 * 2.3e-16 * columns.variances.sum().square().item<double>());  // the header's bound
}

TEST(VicregTerms, ASpreadAtOrBeyondGammaHasNoSlope) {
  const CentredColumns columns = centred_columns(at::tensor({-1.0, 0.0, 1.0, 0.0}, at::kDouble).view({2, 2}));
  const double deviation = std::sqrt(2.0 + 1e-4);
  const at::Tensor slopes = variance_slopes(columns, deviation, 1e-4);
  EXPECT_EQ(slopes[0].item<double>(), 0.0);
  EXPECT_DOUBLE_EQ(slopes[1].item<double>(), -0.5 / 0.01);
  EXPECT_DOUBLE_EQ(variance_term(columns, deviation, 1e-4).item<double>(), (deviation - 0.01) / 2);
}

}  // namespace
}  // namespace singerprint
