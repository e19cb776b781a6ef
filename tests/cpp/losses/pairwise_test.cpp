#include "losses/pairwise.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace singerprint {
namespace {

at::Tensor unit_rows(std::int64_t rows, std::int64_t dim, at::ScalarType dtype) {
  at::manual_seed(0);
  const at::Tensor x = at::randn({rows, dim}, at::kDouble);
  return (x / x.norm(2, 1, true)).to(dtype);
}

// scale * s with -inf where a pair is left out: the matrix that pairwise never makes.
at::Tensor logits(const at::Tensor& z, const PairwiseProblem& problem) {
  const at::Tensor rows = z.to(at::kDouble);
  at::Tensor result = rows.mm(rows.t()) * problem.scale;
  for (std::int64_t i = 0; i < problem.rows; ++i) {
    const Run run = run_of(i, problem);
    result[i].slice(0, run.begin, run.end).fill_(-std::numeric_limits<double>::infinity());
    result[i][partner_of(i, problem)] = -std::numeric_limits<double>::infinity();
  }
  return result;
}

at::Tensor log_sum_exp(const at::Tensor& z, const PairwiseProblem& problem) {
  at::Tensor result = at::empty({problem.rows}, at::kDouble);
  if (z.scalar_type() == at::kFloat) {
    pairwise_log_sum_exp(z.const_data_ptr<float>(), problem, result.mutable_data_ptr<double>());
  } else {
    pairwise_log_sum_exp(z.const_data_ptr<double>(), problem, result.mutable_data_ptr<double>());
  }
  return result;
}

at::Tensor product(const at::Tensor& z, const PairwiseProblem& problem, const at::Tensor& normalizer) {
  at::Tensor result = at::empty_like(z);
  const double* const of = normalizer.const_data_ptr<double>();
  if (z.scalar_type() == at::kFloat) {
    pairwise_softmax_product(z.const_data_ptr<float>(), problem, of, result.mutable_data_ptr<float>());
  } else {
    pairwise_softmax_product(z.const_data_ptr<double>(), problem, of, result.mutable_data_ptr<double>());
  }
  return result.to(at::kDouble);
}

double relative_error(const at::Tensor& result, const at::Tensor& expected) {
  return ((result - expected).norm() / expected.norm()).item<double>();
}

class Pairwise : public testing::TestWithParam<at::ScalarType> {
 protected:
  // Cosines below 0.9 here, scale 5: an epsilon of s is 5 epsilon of its exponential; sums add a few more.
  double tolerance() const { return GetParam() == at::kFloat ? 1e-6 : 1e-14; }
};

// Rows below, at and above one tile (256) and two; an even and an odd number of tiles; dims around a panel.
constexpr std::int64_t kShapes[][2] = {{2, 1}, {6, 5}, {34, 31}, {256, 33}, {258, 7}, {514, 64}, {1030, 3}, {1300, 65}};

void expect_the_full_matrix(const at::Tensor& z, const PairwiseProblem& problem, double tolerance) {
  const at::Tensor full = logits(z, problem);
  const at::Tensor sums = full.logsumexp({1});
  EXPECT_LE(relative_error(log_sum_exp(z, problem), sums), tolerance) << problem.rows << " x " << problem.dim;
  const at::Tensor softmax = (full - sums.unsqueeze(1)).exp();
  const at::Tensor expected = (softmax + softmax.t()).mm(z.to(at::kDouble));
  EXPECT_LE(relative_error(product(z, problem, sums), expected), 4 * tolerance) << problem.rows << " x " << problem.dim;
}

TEST_P(Pairwise, EqualsTheFullMatrix) {
  for (const auto& [rows, dim] : kShapes) {
    for (const std::int64_t partner_offset : {std::int64_t{0}, rows / 2}) {
      if (rows == 2 && partner_offset != 0) continue;  // nothing would be left
      expect_the_full_matrix(unit_rows(rows, dim, GetParam()), {rows, dim, partner_offset, 5.0}, tolerance());
    }
  }
}

TEST_P(Pairwise, RunsOfRowsAreLeftOut) {
  for (const auto& [rows, dim] : kShapes) {
    std::vector<std::int64_t> begin, end;  // runs of 1, 2, 3, ... rows, across the borders of tiles
    for (std::int64_t length = 1; std::ssize(begin) < rows; ++length) {
      const std::int64_t first = std::ssize(begin);
      const std::int64_t last = std::min(first + length, rows);
      begin.insert(begin.end(), last - first, first);
      end.insert(end.end(), last - first, last);
    }
    const PairwiseProblem problem{rows, dim, 0, 5.0, begin.data(), end.data()};
    expect_the_full_matrix(unit_rows(rows, dim, GetParam()), problem, tolerance());
  }
}

TEST_P(Pairwise, AnInfiniteNormalizerIsTheWeightZero) {
  const PairwiseProblem problem{6, 5, 0, 5.0};
  const at::Tensor z = unit_rows(6, 5, GetParam());
  const at::Tensor normalizer = at::full({6}, std::numeric_limits<double>::infinity(), at::kDouble);
  EXPECT_TRUE(product(z, problem, normalizer).equal(at::zeros({6, 5}, at::kDouble)));
}

TEST_P(Pairwise, ARowWithoutOthersHasTheEmptySum) {
  const PairwiseProblem problem{2, 3, 1, 5.0};
  const at::Tensor z = unit_rows(2, 3, GetParam());
  EXPECT_TRUE(log_sum_exp(z, problem).isneginf().all().item<bool>());
  EXPECT_TRUE(product(z, problem, at::zeros({2}, at::kDouble)).equal(at::zeros({2, 3}, at::kDouble)));
}

TEST_P(Pairwise, NothingOverflowsAtTheEndsOfTheScale) {
  for (const double scale : {1e-6, 1e6}) {
    const PairwiseProblem problem{300, 4, 150, scale};
    const at::Tensor z = unit_rows(300, 4, GetParam());
    const at::Tensor sums = log_sum_exp(z, problem);
    EXPECT_TRUE(sums.isfinite().all().item<bool>());
    EXPECT_TRUE(product(z, problem, sums).isfinite().all().item<bool>());
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, Pairwise, testing::Values(at::kFloat, at::kDouble),
                         [](const auto& info) { return std::string(c10::toString(info.param)); });

// With one row, maxima of 0 and the scale 1, a column's sum is 2^s: dsp/lane_exp2.h for every instruction set.
TEST(PairwiseKernels, PowersOfTwoAreGoodToTwoTenMillionths) {
  const PairwiseKernels<float> kernels = SINGERPRINT_LANES(pairwise_kernels_float)();
  const auto columns = static_cast<std::size_t>(kernels.panel);
  const std::vector<float> zero(columns, 0.0f);
  float row_sum;
  std::vector<float> s(columns), power(columns);
  const auto powers_of = [&](float x) {
    std::fill(s.begin(), s.end(), x);
    kernels.exponential_sums({s.data(), 1, kernels.panel, kernels.panel}, 1.0f, zero.data(), zero.data(), &row_sum,
                             power.data());
    return power;
  };
  for (int step = -126 * 97; step <= 0; ++step) {
    const float x = static_cast<float>(step) / 97.0f;
    const double exact = std::exp2(static_cast<double>(x));
    for (const float result : powers_of(x)) EXPECT_NEAR(result, exact, 2e-7 * exact) << x;
  }
  for (const float x : {-126.001f, -1e30f, -INFINITY}) EXPECT_EQ(powers_of(x), zero) << x;
  for (const float result : powers_of(NAN)) EXPECT_TRUE(std::isnan(result));
}

TEST(RunningSum, MergesWithoutOverflow) {
  const double scale = 100.0;
  const RunningSum<float> a{1.0f, 2.0};
  const RunningSum<float> empty{std::numeric_limits<float>::lowest(), 0.0};
  EXPECT_EQ(log_of(empty, scale), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(log_of(merge(a, empty, scale), scale), log_of(a, scale));
  EXPECT_EQ(log_of(merge(empty, a, scale), scale), log_of(a, scale));
  EXPECT_EQ(log_of(merge(a, a, scale), scale), 100.0 + std::log(4.0));
}

TEST(RunningSum, OfOneTermIsTheTermAndNanStays) {
  const RunningSum<double> large = one_term(1e4);
  EXPECT_EQ(log_of(large, 1.0), 1e4);
  EXPECT_EQ(log_of(merge(large, one_term(1e4), 1.0), 1.0), 1e4 + std::log(2.0));
  EXPECT_TRUE(std::isnan(log_of(merge(large, one_term(NAN), 1.0), 1.0)));
  EXPECT_TRUE(std::isnan(log_of(merge(one_term(NAN), large, 1.0), 1.0)));
}

}  // namespace
}  // namespace singerprint
