#include "losses/pairwise.h"

#include "losses/pairwise_tiles.h"

namespace singerprint {
namespace {

// The tiles of s on and right of the diagonal, in an order that lets all threads work and yet fixes every sum:
// step d holds the tiles (i, i + d), indices modulo the number of blocks. Within a step each row block and each column
// block occurs once, so sums over rows and sums over columns, kept apart, have one writer each.
template <class T>
class Tiles {
 public:
  Tiles(const T* z, const PairwiseProblem& problem)
      : problem_(problem),
        kernels_(pairwise_kernels<T>()),
        blocks_(problem.rows, kTileRows),
        row_panels_(z, blocks_, problem.dim, kernels_.panel),
        scratch_(at::get_num_threads() * blocks_.size * stride()) {}

  const PairwiseKernels<T>& kernels() const { return kernels_; }
  const Blocks& blocks() const { return blocks_; }

  // visit(row block, column block, tile of s), the excluded entries -inf; a tile on the diagonal holds both halves.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (std::int64_t step = 0; 2 * step <= blocks_.count; ++step) {
      const bool pairs_meet_twice = step > 0 && 2 * step == blocks_.count;
      at::parallel_for(0, pairs_meet_twice ? step : blocks_.count, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          const std::int64_t j = (i + step) % blocks_.count;
          visit(i, j, similarities(i, j));
        }
      });
    }
  }

 private:
  std::int64_t stride() const { return blocks_.size + kSpread; }

  Tile<T> similarities(std::int64_t i, std::int64_t j) const {
    const std::int64_t first_row = blocks_.first(i);
    const std::int64_t first_column = blocks_.first(j);
    const Tile<T> tile = inner_products(kernels_, row_panels_.at(first_row), blocks_.rows_of(i),
                                        row_panels_.at(first_column), blocks_.rows_of(j), problem_.dim,
                                        scratch_.data() + at::get_thread_num() * blocks_.size * stride(), stride());
    for (std::int64_t r = 0; r < tile.rows; ++r) {
      const Run run = run_of(first_row + r, problem_);
      const std::int64_t partner = partner_of(first_row + r, problem_);
      leave_out(tile, r, run.begin - first_column, run.end - first_column);
      leave_out(tile, r, partner - first_column, partner + 1 - first_column);
    }
    return tile;
  }

  PairwiseProblem problem_;
  PairwiseKernels<T> kernels_;
  Blocks blocks_;
  RowPanels<T> row_panels_;
  Buffer<T> scratch_;  // a tile for each thread
};

}  // namespace

template <class T>
void pairwise_log_sum_exp(const T* z, const PairwiseProblem& problem, double* log_sum_exp) {
  const Tiles<T> tiles(z, problem);
  const Blocks& blocks = tiles.blocks();
  const RunningSums<T> by_row(blocks);
  const RunningSums<T> by_column(blocks);
  const auto scale_2 = static_cast<T>(problem.scale * kLog2E);
  const Buffer<T> scratch(at::get_num_threads() * 4 * blocks.size);
  tiles.for_each([&](std::int64_t i, std::int64_t j, const Tile<T>& tile) {
    T* const row_maximum = scratch.data() + at::get_thread_num() * 4 * blocks.size;
    T* const column_maximum = row_maximum + blocks.size;
    T* const row_sum = column_maximum + blocks.size;
    T* const column_sum = row_sum + blocks.size;
    by_row.copy_maxima(i, row_maximum);
    by_column.copy_maxima(j, column_maximum);
    tiles.kernels().maxima(tile, row_maximum, column_maximum);
    tiles.kernels().exponential_sums(tile, scale_2, row_maximum, column_maximum, row_sum, column_sum);
    by_row.add(i, blocks.rows_of(i), row_maximum, row_sum, problem.scale);
    if (i != j) by_column.add(j, blocks.rows_of(j), column_maximum, column_sum, problem.scale);
  });
  for (std::int64_t row = 0; row < problem.rows; ++row) {
    log_sum_exp[row] = log_of(merge(by_row[row], by_column[row], problem.scale), problem.scale);
  }
}

template <class T>
void pairwise_softmax_product(const T* z, const PairwiseProblem& problem, const double* normalizer, T* product) {
  const Tiles<T> tiles(z, problem);
  const Blocks& blocks = tiles.blocks();
  const std::int64_t panel = tiles.kernels().panel;
  const DimPanels<T> values(blocks, problem.dim, panel);
  const DimPanels<T> by_row(blocks, problem.dim, panel);
  const DimPanels<T> by_column(blocks, problem.dim, panel);
  const SplitNormalizers<T> of(normalizer, blocks, problem.scale);
  at::parallel_for(0, problem.rows, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) values.load_row(row, z + row * problem.dim);
  });
  const auto scale_2 = static_cast<T>(problem.scale * kLog2E);
  tiles.for_each([&](std::int64_t i, std::int64_t j, const Tile<T>& tile) {
    const std::int64_t row = blocks.first(i);
    const std::int64_t column = blocks.first(j);
    tiles.kernels().softmax(tile, scale_2, of.shift(row), of.factor(row), of.shift(column), of.factor(column));
    for (std::int64_t k = 0; k < problem.dim; k += panel) {
      tiles.kernels().multiply_add(tile.s, tile.stride, 1, values.at(column, k), tile.rows, blocks.rows_of(j),
                                   by_row.at(row, k), panel);
      if (i == j) continue;
      tiles.kernels().multiply_add(tile.s, 1, tile.stride, values.at(row, k), blocks.rows_of(j), tile.rows,
                                   by_column.at(column, k), panel);
    }
  });
  at::parallel_for(0, problem.rows, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      by_row.store_sum(row, by_column, product + row * problem.dim);
    }
  });
}

template void pairwise_log_sum_exp(const float*, const PairwiseProblem&, double*);
template void pairwise_log_sum_exp(const double*, const PairwiseProblem&, double*);
template void pairwise_softmax_product(const float*, const PairwiseProblem&, const double*, float*);
template void pairwise_softmax_product(const double*, const PairwiseProblem&, const double*, double*);

}  // namespace singerprint
