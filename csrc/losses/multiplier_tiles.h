// The tiles of losses/pairwise_block.h by plain multipliers, in T. Threads are 16 x 16; thread (x, y) holds the rows
// y + 16 i and the columns x + 16 j of a tile, and the dims x + 16 k of a product:
//
//          column x, x + 16, x + 32, x + 48
//   row y     s[0][0]  s[0][1]  s[0][2]  s[0][3]
//   y + 16    s[1][0]  ...
#pragma once
#include "core/lockstep.h"
#include "core/scalar.h"
#include "losses/column_splits.h"

namespace singerprint {

SINGERPRINT_HOST_DEVICE inline double multiply_add(double a, double b, double c) { return ::fma(a, b, c); }

template <class T>
struct MultiplierTiles {
  using Scalar = T;
  static constexpr int kSide = 16, kThreads = kSide * kSide;
  static constexpr int kBlocksOfProcessor = sizeof(T) == 4 ? 2 : 1;
  static constexpr int kRowsEach = kPairRows / kSide, kColumnsEach = kPairColumns / kSide;
  static constexpr int kDimsEach = kPairDims / kSide;
  static constexpr int kSharers = kSide;         // threads that hold parts of one row
  static constexpr int kDepth = 64 / sizeof(T);  // columns of a matrix that are in shared memory at a time

  using Tile = T[kRowsEach][kColumnsEach];
  using Product = T[kRowsEach][kDimsEach];

  struct Memory {
    T left[kDepth][kPairRows + 1];  // + 1: the transposing stores would meet in one bank
    T right[kDepth][kPairColumns + 1];
    T weight[kPairRows][kPairColumns + 1];
  };

  SINGERPRINT_HOST_DEVICE static int sharer(int thread) { return thread % kSide; }
  SINGERPRINT_HOST_DEVICE static int row(int thread, int i) { return thread / kSide + kSide * i; }
  SINGERPRINT_HOST_DEVICE static int column(int thread, int j) { return thread % kSide + kSide * j; }
  SINGERPRINT_HOST_DEVICE static int dim(int thread, int k) { return thread % kSide + kSide * k; }
  SINGERPRINT_HOST_DEVICE static T& at(Tile& s, int i, int j) { return s[i][j]; }
  SINGERPRINT_HOST_DEVICE static T of_product(const Product& product, int i, int k) { return product[i][k]; }

  // The part of z that a tile needs next, transposed; zeros outside.
  SINGERPRINT_HOST_DEVICE static void load(int thread, const T* z, std::int64_t rows, std::int64_t dims,
                                           std::int64_t first_row, std::int64_t first_dim,
                                           T (&to)[kDepth][kPairRows + 1]) {
    for (int at = thread; at < kPairRows * kDepth; at += kThreads) {
      const int r = at / kDepth, k = at % kDepth;
      const std::int64_t row = first_row + r, dim = first_dim + k;
      to[k][r] = row < rows && dim < dims ? z[row * dims + dim] : T(0);
    }
  }

  // s of one tile; anything for rows and columns outside.
  template <class Pairs>
  SINGERPRINT_HOST_DEVICE static void similarities(const Pairs& pairs, std::int64_t first_row,
                                                   std::int64_t first_column, bool, Memory& memory,
                                                   PerThread<Tile, kThreads>& s) {
    each_thread<kThreads>([&](int thread) { clear(s[thread]); });
    for (std::int64_t first_dim = 0; first_dim < pairs.dim; first_dim += kDepth) {
      synchronise_block();  // the stage before this one has been read by all
      each_thread<kThreads>([&](int thread) {
        load(thread, pairs.left, pairs.rows, pairs.dim, first_row, first_dim, memory.left);
        load(thread, pairs.right, pairs.columns, pairs.dim, first_column, first_dim, memory.right);
      });
      synchronise_block();
      each_thread<kThreads>([&](int thread) {
#pragma unroll
        for (int k = 0; k < kDepth; ++k) {
#pragma unroll
          for (int i = 0; i < kRowsEach; ++i) {
#pragma unroll
            for (int j = 0; j < kColumnsEach; ++j) {
              s[thread][i][j] =
                  multiply_add(memory.left[k][row(thread, i)], memory.right[k][column(thread, j)], s[thread][i][j]);
            }
          }
        }
      });
    }
  }

  // product[row, dim] += sum over the tile's columns of weight[row, column] * right[column, dim]
  template <class Pairs>
  SINGERPRINT_HOST_DEVICE static void add_products(const Pairs& pairs, std::int64_t first_column,
                                                   std::int64_t first_dim, Memory& memory,
                                                   PerThread<Tile, kThreads>& weight,
                                                   PerThread<Product, kThreads>& product) {
    each_thread<kThreads>([&](int thread) {
      for (int i = 0; i < kRowsEach; ++i) {
        for (int j = 0; j < kColumnsEach; ++j) {
          memory.weight[row(thread, i)][column(thread, j)] = weight[thread][i][j];
        }
      }
    });
    synchronise_block();
    const std::int64_t left = pairs.columns - first_column;
    const int columns = static_cast<int>(left < kPairColumns ? left : kPairColumns);
    each_thread<kThreads>([&](int thread) {
      for (int c = 0; c < columns; ++c) {
        const T* const values = pairs.right + (first_column + c) * pairs.dim;
#pragma unroll
        for (int k = 0; k < kDimsEach; ++k) {
          const std::int64_t d = first_dim + dim(thread, k);
          const T value = d < pairs.dim ? values[d] : T(0);
#pragma unroll
          for (int i = 0; i < kRowsEach; ++i) {
            product[thread][i][k] = multiply_add(memory.weight[row(thread, i)][c], value, product[thread][i][k]);
          }
        }
      }
    });
  }
};

}  // namespace singerprint
