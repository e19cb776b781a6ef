// The CPU's parts of losses/pairwise.h and losses/cross_pairwise.h: matrices cut into blocks of rows, tiles of their
// inner products, running sums of rows.
#pragma once
#include <algorithm>
#include <limits>
#include <type_traits>

#include "core/parts.h"
#include "core/precompiled.h"
#include "losses/pairwise.h"

namespace singerprint {

constexpr std::int64_t kTileRows = 256;    // a tile of floats is 278 KB: it stays in a second-level cache
constexpr std::int64_t kRowMultiple = 32;  // every panel width divides it
constexpr std::int64_t kSpread = 16;       // added to the stride: rows 1 KB apart would share few cache sets
constexpr double kLog2E = 1.4426950408889634;

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

// Rows in blocks of one size, the last one shorter.
struct Blocks {
  std::int64_t rows;
  std::int64_t count;
  std::int64_t size;

  Blocks(std::int64_t rows, std::int64_t largest)
      : rows(rows), count(parts_of(rows, largest)), size(filled_up(parts_of(rows, count), kRowMultiple)) {}

  std::int64_t first(std::int64_t index) const { return index * size; }
  std::int64_t rows_of(std::int64_t index) const { return std::min(size, rows - first(index)); }
  std::int64_t padded_rows() const { return count * size; }
};

// (padded rows / panel, dim, panel): a matrix as either side of `multiply`, zeros below its last row.
template <class T>
class RowPanels {
 public:
  RowPanels(const T* z, const Blocks& blocks, std::int64_t dim, std::int64_t panel)
      : dim_(dim), values_(blocks.padded_rows() * dim) {
    T* const to = values_.data();
    at::parallel_for(0, blocks.padded_rows() / panel, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t p = begin; p < end; ++p) {
        const std::int64_t rows = std::clamp<std::int64_t>(blocks.rows - p * panel, 0, panel);
        for (std::int64_t k = 0; k < dim; ++k) {
          T* const lanes = to + (p * dim + k) * panel;
          for (std::int64_t lane = 0; lane < rows; ++lane) lanes[lane] = z[(p * panel + lane) * dim + k];
          std::fill(lanes + rows, lanes + panel, T{0});
        }
      }
    });
  }

  // row: the first of a panel.
  const T* at(std::int64_t row) const { return values_.data() + row * dim_; }

 private:
  std::int64_t dim_;
  Buffer<T> values_;
};

// s[r, begin:end] = -inf, as far as the tile reaches.
template <class T>
void leave_out(const Tile<T>& tile, std::int64_t r, std::int64_t begin, std::int64_t end) {
  constexpr T kNever = -std::numeric_limits<T>::infinity();
  T* const row = tile.s + r * tile.stride;
  for (std::int64_t c = std::max<std::int64_t>(begin, 0); c < std::min(end, tile.columns); ++c) row[c] = kNever;
}

// The inner products of `rows` rows from `left` on with `columns` rows from `right` on; -inf beyond the last column.
template <class T>
Tile<T> inner_products(const PairwiseKernels<T>& kernels, const T* left, std::int64_t rows, const T* right,
                       std::int64_t columns, std::int64_t dim, T* s, std::int64_t stride) {
  const std::int64_t panel = kernels.panel;
  const Tile<T> tile{s, rows, filled_up(columns, panel), stride};
  for (std::int64_t c = 0; c < tile.columns; c += panel) {
    for (std::int64_t r = 0; r < rows; r += panel) {
      kernels.multiply(left + r * dim, 1, panel, right + c * dim, std::min(panel, rows - r), dim, s + r * stride + c,
                       stride);
    }
  }
  for (std::int64_t r = 0; r < rows; ++r) leave_out(tile, r, columns, tile.columns);
  return tile;
}

// The running sums of every row.
template <class T>
class RunningSums {
 public:
  explicit RunningSums(const Blocks& blocks)
      : block_(blocks.size),
        maximum_(blocks.padded_rows(), std::numeric_limits<T>::lowest()),
        sum_(blocks.padded_rows(), 0.0) {}

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
  DimPanels(const Blocks& blocks, std::int64_t dim, std::int64_t panel)
      : rows_(blocks.padded_rows()), dim_(dim), panel_(panel), values_(rows_ * filled_up(dim, panel), T{0}) {}

  // k: the first of a panel.
  T* at(std::int64_t row, std::int64_t k) const { return values_.data() + k * rows_ + row * panel_; }

  void load_row(std::int64_t row, const T* from) const {
    for (std::int64_t k = 0; k < dim_; k += panel_) std::copy_n(from + k, std::min(panel_, dim_ - k), at(row, k));
  }

  void store_row(std::int64_t row, T* to) const {
    for (std::int64_t k = 0; k < dim_; k += panel_) std::copy_n(at(row, k), std::min(panel_, dim_ - k), to + k);
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

// The normalisers of every row, split; 0 beyond the last one.
template <class T>
class SplitNormalizers {
 public:
  SplitNormalizers(const double* normalizer, const Blocks& blocks, double scale)
      : shift_(blocks.padded_rows(), T{0}), factor_(blocks.padded_rows(), T{0}) {
    for (std::int64_t row = 0; row < blocks.rows; ++row) {
      const SplitNormalizer<T> parts = split<T>(normalizer[row], scale);
      shift_.data()[row] = parts.shift;
      factor_.data()[row] = parts.factor;
    }
  }

  const T* shift(std::int64_t row) const { return shift_.data() + row; }
  const T* factor(std::int64_t row) const { return factor_.data() + row; }

 private:
  Buffer<T> shift_;
  Buffer<T> factor_;
};

}  // namespace singerprint
