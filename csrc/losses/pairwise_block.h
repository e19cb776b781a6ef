// losses/pairwise.h and losses/cross_pairwise.h by the threads of CUDA blocks. `Pairs` is one of losses/pairs.h;
// `Tiles` says how the matrices are multiplied, and so which thread holds what: losses/multiplier_tiles.h or
// losses/tensor_core_tiles.h.
//
// Each block owns kPairRows rows and walks over the tiles of a range of columns (losses/column_splits.h): one writer
// for every result, so no atomics and one order of summation. Written for host and device (core/lockstep.h).
#pragma once
#include <cfloat>
#include <type_traits>

#include "core/lockstep.h"
#include "losses/column_splits.h"
#include "losses/pairs.h"

namespace singerprint {

template <class Tiles>
union LogSumExpMemory {
  typename Tiles::Memory tiles;
  RunningSum<typename Tiles::Scalar> of_thread[kPairRows][Tiles::kSharers];
};

template <class Tiles>
struct SoftmaxProductMemory {
  typename Tiles::Memory tiles;
  SplitNormalizer<typename Tiles::Scalar> of_column[kPairColumns];
};

// s of one tile; -inf where the pair is left out or outside.
template <class Tiles, class Pairs>
SINGERPRINT_HOST_DEVICE inline void leave_out(int thread, const Pairs& pairs, std::int64_t first_row,
                                              std::int64_t first_column, typename Tiles::Tile& s) {
  using T = typename Tiles::Scalar;
#pragma unroll
  for (int i = 0; i < Tiles::kRowsEach; ++i) {
    const std::int64_t row = first_row + Tiles::row(thread, i);
#pragma unroll
    for (int j = 0; j < Tiles::kColumnsEach; ++j) {
      const std::int64_t column = first_column + Tiles::column(thread, j);
      const bool outside = row >= pairs.rows || column >= pairs.columns;
      if (outside || pairs.leaves_out(row, column)) Tiles::at(s, i, j) = static_cast<T>(-INFINITY);
    }
  }
}

template <class Tiles>
SINGERPRINT_HOST_DEVICE inline void add_exponentials(typename Tiles::Tile& s, double scale,
                                                     RunningSum<typename Tiles::Scalar> (&sums)[Tiles::kRowsEach]) {
  using T = typename Tiles::Scalar;
#pragma unroll
  for (int i = 0; i < Tiles::kRowsEach; ++i) {
    T maximum = sums[i].maximum;
#pragma unroll
    for (int j = 0; j < Tiles::kColumnsEach; ++j) maximum = Tiles::at(s, i, j) > maximum ? Tiles::at(s, i, j) : maximum;
    raise_maximum(sums[i], maximum, scale);
    T sum = T(0);
#pragma unroll
    for (int j = 0; j < Tiles::kColumnsEach; ++j) sum += exp(static_cast<T>(scale) * (Tiles::at(s, i, j) - maximum));
    sums[i].sum += static_cast<double>(sum);
  }
}

// of_row[row]: the sum over a range of columns, of the rows from first_row on. Each thread sums its own columns of all
// tiles; at the end the threads of a row are merged.
template <class Tiles, class Pairs>
SINGERPRINT_HOST_DEVICE inline void log_sum_exp_block(const Pairs& pairs, std::int64_t first_row, ColumnRange range,
                                                      LogSumExpMemory<Tiles>& memory,
                                                      RunningSum<typename Tiles::Scalar>* of_row) {
  using T = typename Tiles::Scalar;
  constexpr int kThreads = Tiles::kThreads;
  PerThread<typename Tiles::Tile, kThreads> s;
  PerThread<RunningSum<T>[Tiles::kRowsEach], kThreads> sums;
  each_thread<kThreads>([&](int thread) {
    for (int i = 0; i < Tiles::kRowsEach; ++i) {
      sums[thread][i] = {static_cast<T>(std::is_same<T, float>::value ? -FLT_MAX : -DBL_MAX), 0.0};
    }
  });
  for (std::int64_t first_column = range.begin; first_column < range.end; first_column += kPairColumns) {
    Tiles::similarities(pairs, first_row, first_column, first_column == range.begin, memory.tiles, s);
    each_thread<kThreads>([&](int thread) {
      leave_out<Tiles>(thread, pairs, first_row, first_column, s[thread]);
      add_exponentials<Tiles>(s[thread], pairs.scale, sums[thread]);
    });
  }
  synchronise_block();  // the last tile has been read by all
  each_thread<kThreads>([&](int thread) {
    for (int i = 0; i < Tiles::kRowsEach; ++i) {
      memory.of_thread[Tiles::row(thread, i)][Tiles::sharer(thread)] = sums[thread][i];
    }
  });
  synchronise_block();
  each_thread<kThreads>([&](int thread) {
    const std::int64_t row = first_row + thread;
    if (thread >= kPairRows || row >= pairs.rows) return;
    RunningSum<T> all = memory.of_thread[thread][0];
    for (int other = 1; other < Tiles::kSharers; ++other) {
      all = merge(all, memory.of_thread[thread][other], pairs.scale);
    }
    of_row[row] = all;
  });
}

// of_range: (ranges, rows).
template <class T>
SINGERPRINT_HOST_DEVICE inline double log_of_ranges(const RunningSum<T>* of_range, std::int64_t ranges,
                                                    std::int64_t rows, std::int64_t row, double scale) {
  RunningSum<T> all = of_range[row];
  for (std::int64_t range = 1; range < ranges; ++range) all = merge(all, of_range[range * rows + row], scale);
  return log_of(all, scale);
}

// of_range: (ranges, elements).
template <class T>
SINGERPRINT_HOST_DEVICE inline T sum_of_ranges(const T* of_range, std::int64_t ranges, std::int64_t elements,
                                               std::int64_t element) {
  T sum = of_range[element];
  for (std::int64_t range = 1; range < ranges; ++range) sum += of_range[range * elements + element];
  return sum;
}

// From s of one tile to its weights.
template <class Tiles, class Pairs>
SINGERPRINT_HOST_DEVICE inline void weigh(int thread, const Pairs& pairs, std::int64_t first_row,
                                          std::int64_t first_column,
                                          const SplitNormalizer<typename Tiles::Scalar> (&of_row)[Tiles::kRowsEach],
                                          const SplitNormalizer<typename Tiles::Scalar> (&of_column)[kPairColumns],
                                          typename Tiles::Tile& s) {
  using T = typename Tiles::Scalar;
  const T scale = static_cast<T>(pairs.scale);
#pragma unroll
  for (int i = 0; i < Tiles::kRowsEach; ++i) {
    const std::int64_t row = first_row + Tiles::row(thread, i);
#pragma unroll
    for (int j = 0; j < Tiles::kColumnsEach; ++j) {
      const std::int64_t column = first_column + Tiles::column(thread, j);
      T& similarity = Tiles::at(s, i, j);
      T weight = T(0);
      if (row < pairs.rows && column < pairs.columns) {
        if (pairs.leaves_out(row, column)) {
          weight = static_cast<T>(pairs.weight_left_out(row, column));
        } else {
          const SplitNormalizer<T> other = of_column[Tiles::column(thread, j)];
          if (Pairs::kByRow) weight += of_row[i].factor * exp(scale * (similarity - of_row[i].shift));
          if (Pairs::kByColumn) weight += other.factor * exp(scale * (similarity - other.shift));
        }
      }
      similarity = weight;
    }
  }
}

// product[row] = sum of weight[row, column] * right[column] over a range of columns, of the rows from first_row on and
// kPairDims dims from first_dim on, for each block of which s is computed anew.
template <class Tiles, class Pairs>
SINGERPRINT_HOST_DEVICE inline void softmax_product_block(const Pairs& pairs, std::int64_t first_row,
                                                          std::int64_t first_dim, ColumnRange range,
                                                          SoftmaxProductMemory<Tiles>& memory,
                                                          typename Tiles::Scalar* product) {
  using T = typename Tiles::Scalar;
  constexpr int kThreads = Tiles::kThreads;
  PerThread<typename Tiles::Tile, kThreads> s;
  PerThread<typename Tiles::Product, kThreads> sums;
  PerThread<SplitNormalizer<T>[Tiles::kRowsEach], kThreads> of_row;
  each_thread<kThreads>([&](int thread) {
    for (int i = 0; i < Tiles::kRowsEach; ++i) {
      const std::int64_t row = first_row + Tiles::row(thread, i);
      of_row[thread][i] = split<T>(Pairs::kByRow && row < pairs.rows ? pairs.normalizer[row] : 0.0, pairs.scale);
    }
    clear(sums[thread]);
  });
  for (std::int64_t first_column = range.begin; first_column < range.end; first_column += kPairColumns) {
    each_thread<kThreads>([&](int thread) {
      if (thread >= kPairColumns) return;
      const std::int64_t column = first_column + thread;
      const bool known = Pairs::kByColumn && column < pairs.columns;
      memory.of_column[thread] = split<T>(known ? pairs.normalizer[column] : 0.0, pairs.scale);
    });
    // Its barriers also publish of_column; one of add_products lies between reading that and writing it again.
    Tiles::similarities(pairs, first_row, first_column, first_column == range.begin, memory.tiles, s);
    each_thread<kThreads>([&](int thread) {
      weigh<Tiles>(thread, pairs, first_row, first_column, of_row[thread], memory.of_column, s[thread]);
    });
    Tiles::add_products(pairs, first_column, first_dim, memory.tiles, s, sums);
  }
  each_thread<kThreads>([&](int thread) {
#pragma unroll
    for (int i = 0; i < Tiles::kRowsEach; ++i) {
      const std::int64_t row = first_row + Tiles::row(thread, i);
#pragma unroll
      for (int k = 0; k < Tiles::kDimsEach; ++k) {
        const std::int64_t dim = first_dim + Tiles::dim(thread, k);
        if (row < pairs.rows && dim < pairs.dim) {
          product[row * pairs.dim + dim] = Tiles::of_product(sums[thread], i, k);
        }
      }
    }
  });
}

}  // namespace singerprint
