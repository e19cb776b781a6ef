// The tiles of losses/pairwise_block.h by tensor cores: float32 matrices multiplied in a Format of core/tensor_core.h.
// Each of four warps owns 16 rows and goes over all 64 columns of a tile, then over 128 dims of a product; what a
// thread holds of them is where the tensor cores leave it: in lane 4 g + t the rows g and g + 8, and of every eight
// columns (or dims) 2 t and 2 t + 1. The weights go from there into the second product without shared memory.
#pragma once
#include "core/tensor_core.h"
#include "losses/column_splits.h"

namespace singerprint {

template <class FormatOf>
struct TensorCoreTiles {
  using Format = FormatOf;
  using Scalar = float;
  static constexpr int kWarps = kPairRows / kProductRows, kThreads = kWarps * kWarp;
  static constexpr int kBlocksOfProcessor = 3;  // which bounds the registers
  static constexpr int kColumnTiles = kPairColumns / kProductColumns, kDimTiles = kPairDims / kProductColumns;
  static constexpr int kRowsEach = 2, kColumnsEach = 2 * kColumnTiles, kDimsEach = 2 * kDimTiles;
  static constexpr int kSharers = 4;  // threads that hold parts of one row
  static constexpr int kValues = Format::Words::kValues;
  static constexpr int kWords = 64, kTurnedWords = 32;           // of a staged row
  static constexpr int kDepth = kWords * kValues;                // dims
  static constexpr int kTurnedColumns = kTurnedWords * kValues;  // columns
  static constexpr int kSkew = 4;                                // words: eight rows of four words, 32 banks
  static constexpr int kTurnedSteps = kTurnedWords / kDepthWords;
  static constexpr int kTilesOfStep = kDepthWords * kValues / kProductColumns;

  using Tile = float[kColumnTiles][4];
  using Product = float[kDimTiles][4];
  using Rows = std::uint32_t[kPairRows][kWords + kSkew];

  struct Memory {
    Rows left;
    union {
      std::uint32_t right[kPairColumns][kWords + kSkew];
      std::uint32_t turned[kPairDims][kTurnedWords + kSkew];
    };
  };
  static_assert(kPairRows == kPairColumns, "one function loads either side");

  SINGERPRINT_HOST_DEVICE static int sharer(int thread) { return thread % 4; }
  SINGERPRINT_HOST_DEVICE static int row(int thread, int i) {
    return thread / kWarp * kProductRows + thread % kWarp / 4 + 8 * i;
  }
  SINGERPRINT_HOST_DEVICE static int column(int thread, int j) { return j / 2 * 8 + thread % 4 * 2 + j % 2; }
  SINGERPRINT_HOST_DEVICE static int dim(int thread, int k) { return column(thread, k); }
  SINGERPRINT_HOST_DEVICE static float& at(Tile& s, int i, int j) { return s[j / 2][2 * i + j % 2]; }
  SINGERPRINT_HOST_DEVICE static float of_product(const Product& product, int i, int k) {
    return product[k / 2][2 * i + k % 2];
  }

  // The first column of a word of the second product. The order of the depth is free; this one is that in which a
  // thread holds its weights: in TF32, lane t has the columns 2 t and 2 t + 1 for the words t and t + 4.
  SINGERPRINT_HOST_DEVICE static int column_of_word(int word) {
    return kValues == 2 ? 2 * word : word / 8 * 8 + word % 4 * 2 + word % 8 / 4;
  }

  // `words` words of each row of the part of z that a tile needs next; zeros outside.
  SINGERPRINT_HOST_DEVICE static void load(int thread, const float* z, std::int64_t rows, std::int64_t dims,
                                           std::int64_t first_row, std::int64_t first_dim, int words, Rows& to) {
    for (int at = thread; at < kPairRows * kWords; at += kThreads) {
      const int r = at / kWords, word = at % kWords;
      if (word >= words) continue;
      const std::int64_t row = first_row + r, dim = first_dim + word * kValues;
      float values[kValues];
      for (int v = 0; v < kValues; ++v) values[v] = row < rows && dim + v < dims ? z[row * dims + dim + v] : 0.0f;
      to[r][word] = Format::word_of(values);
    }
  }

  // The same for the second product: dims as rows. Lanes are 8 dims x 4 words, so that neither loads nor stores clash.
  SINGERPRINT_HOST_DEVICE static void load_turned(int thread, const float* z, std::int64_t rows, std::int64_t dims,
                                                  std::int64_t first_row, std::int64_t first_dim,
                                                  std::uint32_t (&to)[kPairDims][kTurnedWords + kSkew]) {
    for (int at = thread; at < kPairDims * kTurnedWords; at += kThreads) {
      const int group = at / kWarp;
      const int k = group % (kPairDims / 8) * 8 + at % 8, word = group / (kPairDims / 8) * 4 + at % kWarp / 8;
      const std::int64_t row = first_row + column_of_word(word), dim = first_dim + k;
      float values[kValues];
      for (int v = 0; v < kValues; ++v) values[v] = row + v < rows && dim < dims ? z[(row + v) * dims + dim] : 0.0f;
      to[k][word] = Format::word_of(values);
    }
  }

  // s of one tile; anything for rows and columns outside. Where all dims fit, the rows are loaded once, with the first
  // tile of theirs.
  template <class Pairs>
  SINGERPRINT_HOST_DEVICE static void similarities(const Pairs& pairs, std::int64_t first_row,
                                                   std::int64_t first_column, bool first_of_rows, Memory& memory,
                                                   PerThread<Tile, kThreads>& s) {
    each_thread<kThreads>([&](int thread) { clear(s[thread]); });
    for (std::int64_t first_dim = 0; first_dim < pairs.dim; first_dim += kDepth) {
      const std::int64_t left = pairs.dim - first_dim;
      const int dims = static_cast<int>(left < kDepth ? left : kDepth);
      const int steps = (dims + kDepthWords * kValues - 1) / (kDepthWords * kValues), words = steps * kDepthWords;
      synchronise_block();  // the stage before this one has been read by all
      each_thread<kThreads>([&](int thread) {
        if (pairs.dim > kDepth || first_of_rows) {
          load(thread, pairs.left, pairs.rows, pairs.dim, first_row, first_dim, words, memory.left);
        }
        load(thread, pairs.right, pairs.columns, pairs.dim, first_column, first_dim, words, memory.right);
      });
      synchronise_block();
      for (int step = 0; step < steps; ++step) add_step(memory, step * kDepthWords, s);
    }
  }

  SINGERPRINT_HOST_DEVICE static void add_step(const Memory& memory, int first_word, PerThread<Tile, kThreads>& s) {
    PerThread<Fragment<Format, 4>, kThreads> a;
    PerThread<Fragment<Format, 2>, kThreads> b;
    each_thread<kThreads>([&](int thread) {
      for (int i = 0; i < 4; ++i) {
        a[thread].set(i, memory.left[row(thread, i % 2)][first_word + thread % 4 + i / 2 * 4]);
      }
    });
#pragma unroll
    for (int tile = 0; tile < kColumnTiles; ++tile) {
      each_thread<kThreads>([&](int thread) {
        for (int i = 0; i < 2; ++i) {
          b[thread].set(i, memory.right[8 * tile + thread % kWarp / 4][first_word + thread % 4 + 4 * i]);
        }
      });
      multiply_add_warps<Format, kThreads, kColumnTiles>(a, b, tile, s);
    }
  }

  // product[row, dim] += sum over the tile's columns of weight[row, column] * right[column, dim]
  template <class Pairs>
  SINGERPRINT_HOST_DEVICE static void add_products(const Pairs& pairs, std::int64_t first_column,
                                                   std::int64_t first_dim, Memory& memory,
                                                   PerThread<Tile, kThreads>& weight,
                                                   PerThread<Product, kThreads>& product) {
#pragma unroll
    for (int chunk = 0; chunk < kPairColumns / kTurnedColumns; ++chunk) {
      synchronise_block();  // the stage before this one has been read by all
      each_thread<kThreads>([&](int thread) {
        load_turned(thread, pairs.right, pairs.columns, pairs.dim, first_column + chunk * kTurnedColumns, first_dim,
                    memory.turned);
      });
      synchronise_block();
#pragma unroll
      for (int step = 0; step < kTurnedSteps; ++step) {
        add_turned_step(memory, step, chunk * kTurnedSteps + step, pairs.dim - first_dim, weight, product);
      }
    }
  }

  SINGERPRINT_HOST_DEVICE static void add_turned_step(const Memory& memory, int step_of_chunk, int step,
                                                      std::int64_t dims, PerThread<Tile, kThreads>& weight,
                                                      PerThread<Product, kThreads>& product) {
    PerThread<Fragment<Format, 4>, kThreads> a;
    PerThread<Fragment<Format, 2>, kThreads> b;
    each_thread<kThreads>([&](int thread) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {  // word i / 2 of the thread's two, row i % 2
        float values[kValues];
#pragma unroll
        for (int v = 0; v < kValues; ++v) {
          const int held = i / 2 * kValues + v;  // of the columns that the thread holds of this step
          values[v] = weight[thread][step * kTilesOfStep + held / 2][i % 2 * 2 + held % 2];
        }
        a[thread].set(i, Format::word_of(values));
      }
    });
#pragma unroll
    for (int tile = 0; tile < kDimTiles; ++tile) {
      if (tile * kProductColumns >= dims) continue;
      each_thread<kThreads>([&](int thread) {
        for (int i = 0; i < 2; ++i) {
          b[thread].set(i,
                        memory.turned[8 * tile + thread % kWarp / 4][step_of_chunk * kDepthWords + thread % 4 + 4 * i]);
        }
      });
      multiply_add_warps<Format, kThreads, kDimTiles>(a, b, tile, product);
    }
  }
};

}  // namespace singerprint
