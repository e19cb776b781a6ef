#include "losses/pairwise.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "core/precompiled.h"

namespace singerprint {
namespace {

constexpr std::int64_t kTileRows = 256;    // a tile of floats is 278 KB: it stays in a second-level cache
constexpr std::int64_t kRowMultiple = 32;  // every panel width divides it
constexpr std::int64_t kSpread = 16;       // added to the stride: rows 1 KB apart would share few cache sets
constexpr double kLog2E = 1.4426950408889634;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

template <class T>
PairwiseKernels<T> pairwise_kernels() {
  if constexpr (std::is_same_v<T, float>) {
    return SINGERPRINT_LANES(pairwise_kernels_float)();
  } else {
    return SINGERPRINT_LANES(pairwise_kernels_double)();
  }
}

template <class T>
class Buffer {  // aligned, uninitialised, seen by PyTorch's memory profiler
 public:
  explicit Buffer(std::int64_t size) : tensor_(at::empty({size}, c10::CppTypeToScalarType<T>::value)) {}
  Buffer(std::int64_t size, T value) : Buffer(size) { std::fill_n(data(), size, value); }
  T* data() const { return tensor_.template mutable_data_ptr<T>(); }

 private:
  at::Tensor tensor_;
};

// The tiles of s on and right of the diagonal, in an order that lets all threads work and yet fixes every sum:
// step d holds the tiles (i, i + d), indices modulo the number of blocks. Within a step each row block and each column
// block occurs once, so sums over rows and sums over columns, kept apart, have one writer each.
template <class T>
class Tiles {
 public:
  Tiles(const T* z, const PairwiseProblem& problem)
      : problem_(problem),
        kernels_(pairwise_kernels<T>()),
        blocks_(divide_up(problem.rows, kTileRows)),
        block_(divide_up(divide_up(problem.rows, blocks_), kRowMultiple) * kRowMultiple),
        row_panels_(blocks_ * block_ * problem.dim),
        scratch_(at::get_num_threads() * block_ * stride()) {
    const std::int64_t panel = kernels_.panel;
    T* const to = row_panels_.data();
    at::parallel_for(0, padded_rows() / panel, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t p = begin; p < end; ++p) {
        const std::int64_t rows = std::clamp<std::int64_t>(problem_.rows - p * panel, 0, panel);
        for (std::int64_t k = 0; k < problem_.dim; ++k) {
          T* const lanes = to + (p * problem_.dim + k) * panel;
          for (std::int64_t lane = 0; lane < rows; ++lane) lanes[lane] = z[(p * panel + lane) * problem_.dim + k];
          std::fill(lanes + rows, lanes + panel, T{0});
        }
      }
    });
  }

  const PairwiseKernels<T>& kernels() const { return kernels_; }
  std::int64_t blocks() const { return blocks_; }
  std::int64_t block() const { return block_; }
  std::int64_t stride() const { return block_ + kSpread; }
  std::int64_t padded_rows() const { return blocks_ * block_; }
  std::int64_t rows_of(std::int64_t index) const { return std::min(block_, problem_.rows - index * block_); }

  // visit(row block, column block, tile of s), the excluded entries -inf; a tile on the diagonal holds both halves.
  template <class Visit>
  void for_each(const Visit& visit) {
    for (std::int64_t step = 0; 2 * step <= blocks_; ++step) {
      const bool pairs_meet_twice = step > 0 && 2 * step == blocks_;
      at::parallel_for(0, pairs_meet_twice ? step : blocks_, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          const std::int64_t j = (i + step) % blocks_;
          visit(i, j, similarities(i, j));
        }
      });
    }
  }

 private:
  Tile<T> similarities(std::int64_t i, std::int64_t j) const {
    const std::int64_t panel = kernels_.panel;
    const std::int64_t columns = divide_up(rows_of(j), panel) * panel;
    T* const s = scratch_.data() + at::get_thread_num() * block_ * stride();
    const T* const left = row_panels_.data() + i * block_ * problem_.dim;
    const T* const right = row_panels_.data() + j * block_ * problem_.dim;
    for (std::int64_t c = 0; c < columns; c += panel) {
      for (std::int64_t r = 0; r < rows_of(i); r += panel) {
        kernels_.multiply(left + r * problem_.dim, 1, panel, right + c * problem_.dim, panel, problem_.dim,
                          s + r * stride() + c, stride());
      }
    }
    const Tile<T> tile{s, rows_of(i), columns, stride()};
    exclude(i, j, tile);
    return tile;
  }

  void exclude(std::int64_t i, std::int64_t j, const Tile<T>& tile) const {
    constexpr T kNever = -std::numeric_limits<T>::infinity();
    const auto exclude_column = [&](std::int64_t r, std::int64_t row) {
      const std::int64_t c = row - j * block_;
      if (c >= 0 && c < tile.columns) tile.s[r * tile.stride + c] = kNever;
    };
    for (std::int64_t r = 0; r < tile.rows; ++r) {
      const std::int64_t row = i * block_ + r;
      exclude_column(r, row);
      exclude_column(r, partner_of(row, problem_));
      for (std::int64_t c = rows_of(j); c < tile.columns; ++c) tile.s[r * tile.stride + c] = kNever;
    }
  }

  PairwiseProblem problem_;
  PairwiseKernels<T> kernels_;
  std::int64_t blocks_;
  std::int64_t block_;
  Buffer<T> row_panels_;  // (padded_rows / panel, dim, panel)
  Buffer<T> scratch_;     // a tile for each thread
};

// The running sums of every row.
template <class T>
class RunningSums {
 public:
  RunningSums(std::int64_t blocks, std::int64_t block)
      : block_(block), maximum_(blocks * block, std::numeric_limits<T>::lowest()), sum_(blocks * block, 0.0) {}

  // The maxima so far of a block, for the kernel to raise.
  void copy_maxima(std::int64_t index, T* to) const { std::copy_n(maximum_.data() + index * block_, block_, to); }

  // What a tile adds to a block.
  void add(std::int64_t index, std::int64_t rows, const T* maximum, const T* sum, double scale) const {
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t row = index * block_ + r;
      RunningSum<T> running = (*this)[row];
      raise_maximum(running, maximum[r], scale);
      maximum_.data()[row] = running.maximum;
      sum_.data()[row] = running.sum + static_cast<double>(sum[r]);
    }
  }

  RunningSum<T> operator[](std::int64_t row) const { return {maximum_.data()[row], sum_.data()[row]}; }

 private:
  std::int64_t block_;
  Buffer<T> maximum_;
  Buffer<double> sum_;
};

// (dim panels, padded rows, panel): z and the products as the right-hand side and the result of `multiply`.
template <class T>
class DimPanels {
 public:
  DimPanels(std::int64_t rows, std::int64_t dim, std::int64_t panel)
      : rows_(rows), dim_(dim), panel_(panel), values_(rows * divide_up(dim, panel) * panel, T{0}) {}

  // k: the first of a panel.
  T* at(std::int64_t row, std::int64_t k) const { return values_.data() + k * rows_ + row * panel_; }

  void load_row(std::int64_t row, const T* from) {
    for (std::int64_t k = 0; k < dim_; k += panel_) std::copy_n(from + k, std::min(panel_, dim_ - k), at(row, k));
  }

  // to = this + other
  void store_sum(std::int64_t row, const DimPanels& other, T* to) const {
    for (std::int64_t k = 0; k < dim_; k += panel_) {
      const T* const a = at(row, k);
      const T* const b = other.at(row, k);
      for (std::int64_t lane = 0; lane < std::min(panel_, dim_ - k); ++lane) to[k + lane] = a[lane] + b[lane];
    }
  }

 private:
  std::int64_t rows_;
  std::int64_t dim_;
  std::int64_t panel_;
  Buffer<T> values_;
};

}  // namespace

template <class T>
void pairwise_log_sum_exp(const T* z, const PairwiseProblem& problem, double* log_sum_exp) {
  Tiles<T> tiles(z, problem);
  const std::int64_t block = tiles.block();
  const RunningSums<T> by_row(tiles.blocks(), block);
  const RunningSums<T> by_column(tiles.blocks(), block);
  const auto scale_2 = static_cast<T>(problem.scale * kLog2E);
  const Buffer<T> scratch(at::get_num_threads() * 4 * block);
  tiles.for_each([&](std::int64_t i, std::int64_t j, const Tile<T>& tile) {
    T* const row_maximum = scratch.data() + at::get_thread_num() * 4 * block;
    T* const column_maximum = row_maximum + block;
    T* const row_sum = column_maximum + block;
    T* const column_sum = row_sum + block;
    by_row.copy_maxima(i, row_maximum);
    by_column.copy_maxima(j, column_maximum);
    tiles.kernels().maxima(tile, row_maximum, column_maximum);
    tiles.kernels().exponential_sums(tile, scale_2, row_maximum, column_maximum, row_sum, column_sum);
    by_row.add(i, tiles.rows_of(i), row_maximum, row_sum, problem.scale);
    if (i != j) by_column.add(j, tiles.rows_of(j), column_maximum, column_sum, problem.scale);
  });
  for (std::int64_t row = 0; row < problem.rows; ++row) {
    log_sum_exp[row] = log_of(merge(by_row[row], by_column[row], problem.scale), problem.scale);
  }
}

template <class T>
void pairwise_softmax_product(const T* z, const PairwiseProblem& problem, const double* normalizer, T* product) {
  Tiles<T> tiles(z, problem);
  const std::int64_t panel = tiles.kernels().panel;
  const std::int64_t padded = tiles.padded_rows();
  DimPanels<T> values(padded, problem.dim, panel);
  const DimPanels<T> by_row(padded, problem.dim, panel);
  const DimPanels<T> by_column(padded, problem.dim, panel);
  const Buffer<T> shift(padded, T{0});
  const Buffer<T> factor(padded, T{0});
  at::parallel_for(0, problem.rows, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      values.load_row(row, z + row * problem.dim);
      const SplitNormalizer<T> parts = split<T>(normalizer[row], problem.scale);
      shift.data()[row] = parts.shift;
      factor.data()[row] = parts.factor;
    }
  });
  const auto scale_2 = static_cast<T>(problem.scale * kLog2E);
  tiles.for_each([&](std::int64_t i, std::int64_t j, const Tile<T>& tile) {
    const std::int64_t row = i * tiles.block();
    const std::int64_t column = j * tiles.block();
    tiles.kernels().softmax(tile, scale_2, shift.data() + row, factor.data() + row, shift.data() + column,
                            factor.data() + column);
    for (std::int64_t k = 0; k < problem.dim; k += panel) {
      tiles.kernels().multiply_add(tile.s, tile.stride, 1, values.at(column, k), tile.rows, tiles.rows_of(j),
                                   by_row.at(row, k), panel);
      if (i == j) continue;
      tiles.kernels().multiply_add(tile.s, 1, tile.stride, values.at(row, k), tiles.rows_of(j), tile.rows,
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
