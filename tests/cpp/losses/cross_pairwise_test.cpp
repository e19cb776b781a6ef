#include "losses/cross_pairwise.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>
#include <utility>
#include <vector>

namespace singerprint {
namespace {

at::Tensor unit_rows(std::int64_t rows, std::int64_t dim, at::ScalarType dtype) {
  const at::Tensor x = at::randn({rows, dim}, at::kDouble);
  return (x / x.norm(2, 1, true)).to(dtype);
}

// Matrices of unit rows, a target for each row of a, and the matrix that cross_pairwise never makes.
struct Case {
  at::Tensor a, b;
  std::vector<std::int64_t> target;
  CrossProblem problem;
  at::Tensor logits;  // scale * s, -inf at the targets

  Case(std::int64_t rows, std::int64_t columns, std::int64_t dim, at::ScalarType dtype) {
    at::manual_seed(0);
    a = unit_rows(rows, dim, dtype);
    b = unit_rows(columns, dim, dtype);
    for (std::int64_t i = 0; i < rows; ++i) target.push_back(i * 7 % columns);
    problem = {rows, columns, dim, 5.0, target.data()};
    logits = a.to(at::kDouble).mm(b.to(at::kDouble).t()) * problem.scale;
    for (std::int64_t i = 0; i < rows; ++i) logits[i][target[i]] = -std::numeric_limits<double>::infinity();
  }
};

template <class T>
at::Tensor log_sum_exp(const Case& of) {
  at::Tensor result = at::empty({of.problem.rows}, at::kDouble);
  cross_log_sum_exp(of.a.const_data_ptr<T>(), of.b.const_data_ptr<T>(), of.problem, result.mutable_data_ptr<double>());
  return result;
}

template <class T>
std::pair<at::Tensor, at::Tensor> products(const Case& of, const at::Tensor& normalizer, const at::Tensor& pull) {
  at::Tensor row_product = at::empty_like(of.a);
  at::Tensor column_product = at::empty_like(of.b);
  cross_softmax_products(of.a.const_data_ptr<T>(), of.b.const_data_ptr<T>(), of.problem,
                         normalizer.const_data_ptr<double>(), pull.const_data_ptr<double>(),
                         row_product.mutable_data_ptr<T>(), column_product.mutable_data_ptr<T>());
  return {row_product.to(at::kDouble), column_product.to(at::kDouble)};
}

double relative_error(const at::Tensor& result, const at::Tensor& expected) {
  return ((result - expected).norm() / expected.norm()).item<double>();
}

// Rows below, at and above one tile (64) and columns (256); more blocks of rows than of columns and the other way
// round; dims around a panel.
constexpr std::int64_t kShapes[][3] = {{1, 2, 1},    {5, 3, 33},    {64, 256, 7},  {65, 257, 31},
                                       {700, 20, 5}, {20, 1300, 9}, {300, 300, 65}};

template <class T>
void expect_the_full_matrix(double tolerance) {
  for (const auto& [rows, columns, dim] : kShapes) {
    const Case of(rows, columns, dim, c10::CppTypeToScalarType<T>::value);
    const at::Tensor sums = of.logits.logsumexp({1});
    EXPECT_LE(relative_error(log_sum_exp<T>(of), sums), tolerance) << rows << " x " << columns << " x " << dim;
    const at::Tensor pull = at::rand({rows}, at::kDouble);
    at::Tensor weights = (of.logits - sums.unsqueeze(1)).exp();
    for (std::int64_t i = 0; i < rows; ++i) weights[i][of.target[i]] = -pull[i];
    const auto [row_product, column_product] = products<T>(of, sums, pull);
    EXPECT_LE(relative_error(row_product, weights.mm(of.b.to(at::kDouble))), 4 * tolerance) << rows << " x " << columns;
    EXPECT_LE(relative_error(column_product, weights.t().mm(of.a.to(at::kDouble))), 4 * tolerance)
        << rows << " x " << columns;
  }
}

// Scale 5: an epsilon of s is 5 epsilon of its exponential; sums add a few more.
TEST(CrossPairwise, EqualsTheFullMatrixInFloat) { expect_the_full_matrix<float>(1e-6); }
TEST(CrossPairwise, EqualsTheFullMatrixInDouble) { expect_the_full_matrix<double>(1e-14); }

TEST(CrossPairwise, WithoutTargetsGivenARowLeavesOutItsOwnNumber) {
  Case of(70, 70, 9, at::kDouble);
  of.problem.target = nullptr;
  at::Tensor logits = of.a.mm(of.b.t()) * of.problem.scale;
  logits.fill_diagonal_(-std::numeric_limits<double>::infinity());
  EXPECT_LE(relative_error(log_sum_exp<double>(of), logits.logsumexp({1})), 1e-14);
}

TEST(CrossPairwise, ARowWithoutOthersHasTheEmptySum) {
  const Case of(3, 1, 4, at::kFloat);
  EXPECT_TRUE(log_sum_exp<float>(of).isneginf().all().item<bool>());
}

TEST(CrossPairwise, NothingOverflowsAtTheEndsOfTheScale) {
  for (const double scale : {1e-6, 1e6}) {
    Case of(100, 300, 4, at::kFloat);
    of.problem.scale = scale;
    const at::Tensor sums = log_sum_exp<float>(of);
    EXPECT_TRUE(sums.isfinite().all().item<bool>());
    const auto [row_product, column_product] = products<float>(of, sums, at::ones({100}, at::kDouble));
    EXPECT_TRUE(row_product.isfinite().all().item<bool>());
    EXPECT_TRUE(column_product.isfinite().all().item<bool>());
  }
}

}  // namespace
}  // namespace singerprint
