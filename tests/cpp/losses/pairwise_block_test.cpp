#include "losses/pairwise_block.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "losses/contrastive.h"
#include "losses/multiplier_tiles.h"
#include "losses/nt_xent.h"
#include "losses/tensor_core_tiles.h"

namespace singerprint {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

at::Tensor unit_rows(std::int64_t rows, std::int64_t dim, at::ScalarType dtype, std::uint64_t seed = 0) {
  at::manual_seed(seed);
  const at::Tensor x = at::randn({rows, dim}, at::kDouble);
  return (x / x.norm(2, 1, true)).to(dtype);
}

template <class T>
at::ScalarType dtype_of() {
  return std::is_same_v<T, float> ? at::kFloat : at::kDouble;
}

// All blocks of a launch, one after the other.
template <class Tiles, class Pairs>
at::Tensor log_sum_exp(const Pairs& pairs, const ColumnSplits& splits) {
  using T = typename Tiles::Scalar;
  std::vector<RunningSum<T>> of_range(splits.count * pairs.rows);
  const auto memory = std::make_unique<LogSumExpMemory<Tiles>>();
  for (std::int64_t range = 0; range < splits.count; ++range) {
    for (std::int64_t row = 0; row < pairs.rows; row += kPairRows) {
      log_sum_exp_block<Tiles>(pairs, row, splits.range(range), *memory, of_range.data() + range * pairs.rows);
    }
  }
  at::Tensor result = at::empty({pairs.rows}, at::kDouble);
  for (std::int64_t row = 0; row < pairs.rows; ++row) {
    result.mutable_data_ptr<double>()[row] = log_of_ranges(of_range.data(), splits.count, pairs.rows, row, pairs.scale);
  }
  return result;
}

template <class Tiles, class Pairs>
at::Tensor softmax_product(const Pairs& pairs, const ColumnSplits& splits) {
  using T = typename Tiles::Scalar;
  const std::int64_t elements = pairs.rows * pairs.dim;
  std::vector<T> of_range(splits.count * elements, static_cast<T>(NAN));
  const auto memory = std::make_unique<SoftmaxProductMemory<Tiles>>();
  for (std::int64_t range = 0; range < splits.count; ++range) {
    for (std::int64_t row = 0; row < pairs.rows; row += kPairRows) {
      for (std::int64_t dim = 0; dim < pairs.dim; dim += kPairDims) {
        softmax_product_block<Tiles>(pairs, row, dim, splits.range(range), *memory, of_range.data() + range * elements);
      }
    }
  }
  at::Tensor result = at::empty({pairs.rows, pairs.dim}, at::kDouble);
  for (std::int64_t i = 0; i < elements; ++i) {
    result.mutable_data_ptr<double>()[i] = sum_of_ranges(of_range.data(), splits.count, elements, i);
  }
  return result;
}

// One range of all columns, one for each tile, two ranges.
std::vector<ColumnSplits> all_splits(std::int64_t columns) {
  const std::int64_t tiles = parts_of(columns, kPairColumns);
  std::vector<ColumnSplits> result{{columns, kBlocksWanted}};
  if (tiles > 1) result.emplace_back(columns, 1);
  if (tiles > 2) result.emplace_back(columns, kBlocksWanted / 2);
  return result;
}
// As launched.
ColumnSplits splits_of(std::int64_t rows) { return log_sum_exp_splits(rows, rows); }

// What a format leaves out of a product and of its factors, and the rounding of T of each of the sums that follow.
template <class Tiles>
struct Errors {
  static double of_product() { return 0.0; }
  static double of_sums(std::int64_t terms) {
    return static_cast<double>(terms) * std::numeric_limits<typename Tiles::Scalar>::epsilon() / 2;
  }
};
template <>
struct Errors<TensorCoreTiles<Bfloat16>> {
  static double of_product() { return 0x1p-8 + 0x1p-18; }  // (1 + 2^-9)^2 - 1
  static double of_sums(std::int64_t terms) { return static_cast<double>((terms + 15) / 16) * 0x1p-24; }
};
template <>
struct Errors<TensorCoreTiles<Tf32x3>> {
  static double of_product() { return 0x1p-21; }  // 2^-23 each factor, 2^-22 for small * small
  static double of_sums(std::int64_t terms) { return static_cast<double>((terms + 7) / 8) * 3 * 0x1p-24; }
};

template <class Tiles>
constexpr double kEpsilon = std::numeric_limits<typename Tiles::Scalar>::epsilon();

// Of the cosine of unit rows, where the sum of |a| |b| is at most 1.
template <class Tiles>
double cosine_error(std::int64_t dim) {
  return Errors<Tiles>::of_product() + Errors<Tiles>::of_sums(dim);
}

// Of an exponential and of the sums of a thread, relatively; its argument is rounded at up to 2 scale.
template <class Tiles>
double exponential_error(double scale) {
  return (2.0 * scale + 20.0) * kEpsilon<Tiles>;
}

template <class Tiles>
void expect_log_sum_exp(const at::Tensor& result, const at::Tensor& logits, double scale, std::int64_t dim) {
  const double worst = (result - logits.logsumexp({1})).abs().max().item<double>();
  EXPECT_LE(worst, scale * cosine_error<Tiles>(dim) + exponential_error<Tiles>(scale)) << logits.sizes() << ", " << dim;
}

// A row's error is at most that of its weights, times their sum: the rows of `right` have length 1.
template <class Tiles>
void expect_product(const at::Tensor& result, const at::Tensor& weight, const at::Tensor& right, double scale) {
  const std::int64_t columns = weight.size(1), dim = right.size(1);
  const at::Tensor error = (result - weight.mm(right)).norm(2, 1);
  const double of_weight = std::expm1(scale * cosine_error<Tiles>(dim) + exponential_error<Tiles>(scale));
  const double each = of_weight + Errors<Tiles>::of_product() + Errors<Tiles>::of_sums(columns) + kEpsilon<Tiles>;
  EXPECT_LE((error - each * weight.abs().sum(1)).max().template item<double>(), 0.0) << columns << " x " << dim;
}

template <class Tiles>
class PairwiseBlock : public testing::Test {};
using AllTiles =
    testing::Types<MultiplierTiles<double>, MultiplierTiles<float>, TensorCoreTiles<Tf32x3>, TensorCoreTiles<Bfloat16>>;
TYPED_TEST_SUITE(PairwiseBlock, AllTiles);

// One tile (64), a part of one, several; dims around a product's depth (8, 16), a stage (64, 128) and a block (128).
constexpr std::int64_t kShapes[][2] = {{2, 1},   {6, 5},    {34, 31},   {63, 8},   {64, 64},
                                       {66, 16}, {130, 65}, {128, 129}, {70, 300}, {193, 17}};
constexpr double kScale = 5.0;

// scale * s with -inf where a pair is left out: the matrix that the blocks never make.
at::Tensor own_logits(const at::Tensor& z, const PairwiseProblem& problem) {
  at::Tensor result = z.mm(z.t()) * problem.scale;
  for (std::int64_t i = 0; i < problem.rows; ++i) {
    const Run run = run_of(i, problem);
    result[i].slice(0, run.begin, run.end).fill_(-kInfinity);
    result[i][partner_of(i, problem)] = -kInfinity;
  }
  return result;
}

template <class Tiles>
void expect_the_full_matrix(const PairwiseProblem& problem) {
  using T = typename Tiles::Scalar;
  const at::Tensor z = unit_rows(problem.rows, problem.dim, dtype_of<T>()), exact = z.to(at::kDouble);
  const at::Tensor logits = own_logits(exact, problem), sums = logits.logsumexp({1});
  const OwnPairs<T> pairs(z.const_data_ptr<T>(), problem, sums.const_data_ptr<double>());
  const at::Tensor softmax = (logits - sums.unsqueeze(1)).exp();
  for (const ColumnSplits& splits : all_splits(problem.rows)) {
    expect_log_sum_exp<Tiles>(log_sum_exp<Tiles>(pairs, splits), logits, problem.scale, problem.dim);
    expect_product<Tiles>(softmax_product<Tiles>(pairs, splits), softmax + softmax.t(), exact, problem.scale);
  }
}

TYPED_TEST(PairwiseBlock, EqualsTheFullMatrix) {
  for (const auto& [rows, dim] : kShapes) {
    for (const std::int64_t partner_offset : {std::int64_t{0}, rows / 2}) {
      // Of two rows nothing would be left; an odd number has no pairs.
      if ((rows == 2 || rows % 2 == 1) && partner_offset != 0) continue;
      expect_the_full_matrix<TypeParam>({rows, dim, partner_offset, kScale});
    }
  }
}

TYPED_TEST(PairwiseBlock, RunsOfRowsAreLeftOut) {
  for (const std::int64_t rows : {20, 130}) {
    std::vector<std::int64_t> begin, end;  // runs of 1, 2, 3, ... rows, across the borders of tiles
    for (std::int64_t length = 1; std::ssize(begin) < rows; ++length) {
      const std::int64_t first = std::ssize(begin);
      const std::int64_t last = std::min(first + length, rows);
      begin.insert(begin.end(), last - first, first);
      end.insert(end.end(), last - first, last);
    }
    expect_the_full_matrix<TypeParam>({rows, 19, 0, kScale, begin.data(), end.data()});
  }
}

// Two matrices, both directions; targets in any order.
TYPED_TEST(PairwiseBlock, CrossPairsEqualTheFullMatrix) {
  using T = typename TypeParam::Scalar;
  constexpr std::int64_t kCrossShapes[][3] = {{1, 2, 3}, {7, 65, 33}, {100, 70, 140}, {64, 200, 16}};
  for (const auto& [rows, columns, dim] : kCrossShapes) {
    const at::Tensor a = unit_rows(rows, dim, dtype_of<T>(), 1), b = unit_rows(columns, dim, dtype_of<T>(), 2);
    const at::Tensor target = at::arange(rows, at::kLong).mul(3).remainder(columns);
    const CrossProblem problem{rows, columns, dim, kScale, target.const_data_ptr<std::int64_t>()};
    const at::Tensor logits =
        (a.to(at::kDouble).mm(b.to(at::kDouble).t()) * kScale).scatter(1, target.unsqueeze(1), -kInfinity);
    const at::Tensor sums = logits.logsumexp({1}), pull = at::linspace(0.1, 0.9, rows, at::kDouble);
    const double *const normalizer = sums.const_data_ptr<double>(), *const pulls = pull.const_data_ptr<double>();
    const CrossPairs<T, false> by_row(a.const_data_ptr<T>(), b.const_data_ptr<T>(), problem, normalizer, pulls);
    const CrossPairs<T, true> by_column(a.const_data_ptr<T>(), b.const_data_ptr<T>(), problem, normalizer, pulls);
    expect_log_sum_exp<TypeParam>(log_sum_exp<TypeParam>(by_row, log_sum_exp_splits(rows, columns)), logits, kScale,
                                  dim);
    const at::Tensor weight =
        (logits - sums.unsqueeze(1)).exp().scatter(1, target.unsqueeze(1), pull.neg().unsqueeze(1));
    expect_product<TypeParam>(softmax_product<TypeParam>(by_row, {columns, kBlocksWanted}), weight, b.to(at::kDouble),
                              kScale);
    expect_product<TypeParam>(softmax_product<TypeParam>(by_column, {rows, kBlocksWanted}), weight.t(),
                              a.to(at::kDouble), kScale);
  }
}

TYPED_TEST(PairwiseBlock, ATileOnTheDiagonalIsSymmetric) {
  using T = typename TypeParam::Scalar;
  const std::int64_t dim = 150;
  const at::Tensor z = unit_rows(kPairRows, dim, dtype_of<T>());
  const OwnPairs<T> pairs(z.const_data_ptr<T>(), {kPairRows, dim, 0, kScale}, nullptr);
  const auto memory = std::make_unique<typename TypeParam::Memory>();
  PerThread<typename TypeParam::Tile, TypeParam::kThreads> s;
  TypeParam::similarities(pairs, 0, 0, true, *memory, s);
  at::Tensor tile = at::full({kPairRows, kPairColumns}, NAN, dtype_of<T>());
  auto places = tile.template accessor<T, 2>();
  for (int thread = 0; thread < TypeParam::kThreads; ++thread) {
    for (int i = 0; i < TypeParam::kRowsEach; ++i) {
      for (int j = 0; j < TypeParam::kColumnsEach; ++j) {
        places[TypeParam::row(thread, i)][TypeParam::column(thread, j)] = TypeParam::at(s[thread], i, j);
      }
    }
  }
  // Exactly, but for TF32, which adds small * large and large * small in the other order.
  const double tolerance = std::is_same_v<TypeParam, TensorCoreTiles<Tf32x3>> ? Errors<TypeParam>::of_sums(dim) : 0.0;
  EXPECT_LE((tile - tile.t()).abs().max().template item<double>(), tolerance);
  EXPECT_LE((tile - z.mm(z.t())).abs().max().template item<double>(),
            cosine_error<TypeParam>(dim) + dim * kEpsilon<TypeParam>);
}

TYPED_TEST(PairwiseBlock, NothingOverflowsAtTheEndsOfTheScale) {
  using T = typename TypeParam::Scalar;
  const at::Tensor z = unit_rows(100, 4, dtype_of<T>());
  for (const double scale : {1e-6, 1e6}) {
    const PairwiseProblem problem{100, 4, 50, scale};
    const at::Tensor sums =
        log_sum_exp<TypeParam>(OwnPairs<T>(z.template const_data_ptr<T>(), problem, nullptr), splits_of(100));
    EXPECT_TRUE(sums.isfinite().all().template item<bool>());
    const OwnPairs<T> pairs(z.template const_data_ptr<T>(), problem, sums.const_data_ptr<double>());
    EXPECT_TRUE(softmax_product<TypeParam>(pairs, splits_of(100)).isfinite().all().template item<bool>());
  }
}

TYPED_TEST(PairwiseBlock, NanInNanOut) {
  using T = typename TypeParam::Scalar;
  const at::Tensor z = unit_rows(70, 9, dtype_of<T>());
  z[3][4] = NAN;
  const at::Tensor normalizer = at::zeros({70}, at::kDouble);
  const OwnPairs<T> pairs(z.template const_data_ptr<T>(), {70, 9, 35, kScale}, normalizer.const_data_ptr<double>());
  const at::Tensor sums = log_sum_exp<TypeParam>(pairs, splits_of(70));
  const at::Tensor others = sums.isnan().logical_not().nonzero().flatten();
  EXPECT_TRUE(others.equal(at::tensor({38}, at::kLong)));  // its partner alone leaves row 3 out
  EXPECT_TRUE(softmax_product<TypeParam>(pairs, splits_of(70)).isnan().any(1).sum().template item<std::int64_t>() >=
              69);
}

// NT-Xent as the CUDA op makes it, in every precision against float64: a margin moves by at most scale times the error
// of a cosine, and the loss no more than its margins.
TYPED_TEST(PairwiseBlock, NtXentIsWithinTheErrorOfItsCosines) {
  using T = typename TypeParam::Scalar;
  const std::int64_t batch = 65, dim = 128;
  const at::Tensor z = unit_rows(2 * batch, dim, dtype_of<T>()), exact = z.to(at::kDouble);
  for (const double temperature : {0.05, 0.2, 1.0}) {
    const PairwiseProblem problem = contrastive_problem(batch, dim, temperature);
    const auto loss_of = [&](const at::Tensor& sums) {
      const at::Tensor positive = (exact * exact.roll(batch, 0)).sum(1) * problem.scale, margin = sums - positive;
      double total = 0.0;
      for (std::int64_t i = 0; i < problem.rows; ++i) total += NtXent::loss(margin[i].template item<double>());
      return total / static_cast<double>(problem.rows);
    };
    const double expected = loss_of(own_logits(exact, problem).logsumexp({1}));
    const double loss = loss_of(
        log_sum_exp<TypeParam>(OwnPairs<T>(z.template const_data_ptr<T>(), problem, nullptr), splits_of(problem.rows)));
    const double bound = problem.scale * cosine_error<TypeParam>(dim) + exponential_error<TypeParam>(problem.scale);
    EXPECT_NEAR(loss, expected, bound) << temperature;
  }
}

}  // namespace
}  // namespace singerprint
