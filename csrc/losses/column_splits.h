// How the pairs of losses/pairwise_block.h are shared out among CUDA blocks. Each block takes kPairRows rows; where
// that makes few blocks, the columns are cut into ranges too, and what the blocks of one row found is added up range
// after range. By the sizes alone: the same order of summation on any device.
#pragma once
#include <cstdint>

#include "core/host_device.h"
#include "core/parts.h"

namespace singerprint {

inline constexpr int kPairRows = 64, kPairColumns = 64;  // of a tile
inline constexpr int kPairDims = 128;                    // of the product that a block makes

// 8,192 rows make 128 blocks; with three ranges there are 384, what an H200 holds at once, 3 on each of 132 processors.
inline constexpr std::int64_t kBlocksWanted = 384;

struct ColumnRange {
  std::int64_t begin, end;
};

struct ColumnSplits {
  std::int64_t columns, count, size;  // size: whole tiles

  // blocks: without splits.
  ColumnSplits(std::int64_t columns, std::int64_t blocks) : columns(columns) {
    const std::int64_t tiles = parts_of(columns, kPairColumns);
    const std::int64_t wanted = kBlocksWanted / blocks < 1 ? 1 : kBlocksWanted / blocks;
    const std::int64_t tiles_each = wanted < tiles ? parts_of(tiles, wanted) : 1;
    size = tiles_each * kPairColumns;
    count = parts_of(columns, size);
  }

  SINGERPRINT_HOST_DEVICE ColumnRange range(std::int64_t index) const {
    const std::int64_t end = (index + 1) * size;
    return {index * size, end < columns ? end : columns};
  }
};

inline ColumnSplits log_sum_exp_splits(std::int64_t rows, std::int64_t columns) {
  return {columns, parts_of(rows, kPairRows)};
}

inline ColumnSplits softmax_product_splits(std::int64_t rows, std::int64_t columns, std::int64_t dim) {
  return {columns, parts_of(rows, kPairRows) * parts_of(dim, kPairDims)};
}

// The memory that a launch needs beside its results.
inline std::int64_t log_sum_exp_workspace_bytes(std::int64_t rows, std::int64_t columns) {
  constexpr std::int64_t kBytes = 16;  // of a RunningSum
  return log_sum_exp_splits(rows, columns).count * rows * kBytes;
}
inline std::int64_t softmax_product_workspace_bytes(std::int64_t rows, std::int64_t columns, std::int64_t dim,
                                                    std::int64_t bytes) {
  const std::int64_t ranges = softmax_product_splits(rows, columns, dim).count;
  return ranges == 1 ? 0 : ranges * rows * dim * bytes;
}

}  // namespace singerprint
