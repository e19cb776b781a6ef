#include "losses/cross_pairwise.h"

#include "losses/pairwise_tiles.h"

namespace singerprint {
namespace {

constexpr std::int64_t kCrossRows = 64;  // a batch is often shorter than a tile is wide: enough tiles for the threads

// All tiles of s, in an order that lets several threads work and yet fixes every sum: within a step each row block and
// each column block occurs at most once, so sums over rows and sums over columns have one writer each.
template <class T>
class CrossTiles {
 public:
  CrossTiles(const T* a, const T* b, const CrossProblem& problem)
      : problem_(problem),
        kernels_(pairwise_kernels<T>()),
        rows_(problem.rows, kCrossRows),
        columns_(problem.columns, kTileRows),
        left_(a, rows_, problem.dim, kernels_.panel),
        right_(b, columns_, problem.dim, kernels_.panel),
        scratch_(at::get_num_threads() * rows_.size * stride()) {}

  const PairwiseKernels<T>& kernels() const { return kernels_; }
  const Blocks& rows() const { return rows_; }
  const Blocks& columns() const { return columns_; }

  // visit(row block, column block, tile of s), the targets' entries -inf.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (std::int64_t step = 0; step < std::max(rows_.count, columns_.count); ++step) {
      at::parallel_for(0, std::min(rows_.count, columns_.count), 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t t = begin; t < end; ++t) {
          const std::int64_t i = rows_.count > columns_.count ? (t + step) % rows_.count : t;
          const std::int64_t j = rows_.count > columns_.count ? t : (t + step) % columns_.count;
          visit(i, j, similarities(i, j));
        }
      });
    }
  }

 private:
  std::int64_t stride() const { return columns_.size + kSpread; }

  Tile<T> similarities(std::int64_t i, std::int64_t j) const {
    const std::int64_t first_row = rows_.first(i);
    const std::int64_t first_column = columns_.first(j);
    const Tile<T> tile =
        inner_products(kernels_, left_.at(first_row), rows_.rows_of(i), right_.at(first_column), columns_.rows_of(j),
                       problem_.dim, scratch_.data() + at::get_thread_num() * rows_.size * stride(), stride());
    for (std::int64_t r = 0; r < tile.rows; ++r) {
      const std::int64_t target = target_of(first_row + r, problem_) - first_column;
      leave_out(tile, r, target, target + 1);
    }
    return tile;
  }

  CrossProblem problem_;
  PairwiseKernels<T> kernels_;
  Blocks rows_;
  Blocks columns_;
  RowPanels<T> left_;
  RowPanels<T> right_;
  Buffer<T> scratch_;  // a tile for each thread
};

}  // namespace

template <class T>
void cross_log_sum_exp(const T* a, const T* b, const CrossProblem& problem, double* log_sum_exp) {
  const CrossTiles<T> tiles(a, b, problem);
  const Blocks& rows = tiles.rows();
  const RunningSums<T> sums(rows);
  const auto scale_2 = static_cast<T>(problem.scale * kLog2E);
  const Buffer<T> scratch(at::get_num_threads() * 2 * rows.size);
  tiles.for_each([&](std::int64_t i, std::int64_t, const Tile<T>& tile) {
    T* const maximum = scratch.data() + at::get_thread_num() * 2 * rows.size;
    T* const sum = maximum + rows.size;
    sums.copy_maxima(i, maximum);
    tiles.kernels().row_maxima(tile, maximum, nullptr);
    tiles.kernels().row_exponential_sums(tile, scale_2, maximum, nullptr, sum, nullptr);
    sums.add(i, rows.rows_of(i), maximum, sum, problem.scale);
  });
  for (std::int64_t row = 0; row < problem.rows; ++row) log_sum_exp[row] = log_of(sums[row], problem.scale);
}

template <class T>
void cross_softmax_products(const T* a, const T* b, const CrossProblem& problem, const double* normalizer,
                            const double* pull, T* row_product, T* column_product) {
  const CrossTiles<T> tiles(a, b, problem);
  const Blocks& rows = tiles.rows();
  const Blocks& columns = tiles.columns();
  const std::int64_t dim = problem.dim;
  const std::int64_t panel = tiles.kernels().panel;
  const DimPanels<T> left(rows, dim, panel), by_row(rows, dim, panel);
  const DimPanels<T> right(columns, dim, panel), by_column(columns, dim, panel);
  const SplitNormalizers<T> of(normalizer, rows, problem.scale);
  for (std::int64_t row = 0; row < rows.rows; ++row) left.load_row(row, a + row * dim);
  for (std::int64_t column = 0; column < columns.rows; ++column) right.load_row(column, b + column * dim);
  const auto scale_2 = static_cast<T>(problem.scale * kLog2E);
  tiles.for_each([&](std::int64_t i, std::int64_t j, const Tile<T>& tile) {
    const std::int64_t row = rows.first(i);
    const std::int64_t column = columns.first(j);
    tiles.kernels().row_softmax(tile, scale_2, of.shift(row), of.factor(row), nullptr, nullptr);
    for (std::int64_t r = 0; r < tile.rows; ++r) {
      const std::int64_t target = target_of(row + r, problem) - column;
      if (target >= 0 && target < columns.rows_of(j)) tile.s[r * tile.stride + target] = static_cast<T>(-pull[row + r]);
    }
    for (std::int64_t k = 0; k < dim; k += panel) {
      tiles.kernels().multiply_add(tile.s, tile.stride, 1, right.at(column, k), tile.rows, columns.rows_of(j),
                                   by_row.at(row, k), panel);
      tiles.kernels().multiply_add(tile.s, 1, tile.stride, left.at(row, k), columns.rows_of(j), tile.rows,
                                   by_column.at(column, k), panel);
    }
  });
  for (std::int64_t row = 0; row < rows.rows; ++row) by_row.store_row(row, row_product + row * dim);
  for (std::int64_t column = 0; column < columns.rows; ++column) {
    by_column.store_row(column, column_product + column * dim);
  }
}

template void cross_log_sum_exp(const float*, const float*, const CrossProblem&, double*);
template void cross_log_sum_exp(const double*, const double*, const CrossProblem&, double*);
template void cross_softmax_products(const float*, const float*, const CrossProblem&, const double*, const double*,
                                     float*, float*);
template void cross_softmax_products(const double*, const double*, const CrossProblem&, const double*, const double*,
                                     double*, double*);

}  // namespace singerprint
