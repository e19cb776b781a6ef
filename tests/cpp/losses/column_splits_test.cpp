#include "losses/column_splits.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace singerprint {
namespace {

TEST(ColumnSplits, CoverAllColumnsInWholeTilesAndLeaveFewBlocksIdle) {
  for (const std::int64_t columns : {1, 64, 65, 1000, 8192, 524288}) {
    for (const std::int64_t blocks : {1, 5, 128, 384, 8192}) {
      const ColumnSplits splits(columns, blocks);
      std::int64_t end = 0;
      for (std::int64_t i = 0; i < splits.count; ++i) {
        const ColumnRange range = splits.range(i);
        EXPECT_EQ(range.begin, end);
        EXPECT_EQ(range.begin % kPairColumns, 0);
        EXPECT_GT(range.end, range.begin);
        end = range.end;
      }
      EXPECT_EQ(end, columns);
      EXPECT_LE(splits.count * blocks, std::max(blocks, kBlocksWanted));
    }
  }
  EXPECT_EQ(log_sum_exp_splits(8192, 8192).count, 3);
  EXPECT_EQ(softmax_product_splits(524288, 524288, 128).count, 1);
}

// 524,288 rows in 4 GB: beside the embeddings, their unit rows and their gradients, 268 MB each, next to nothing.
TEST(ColumnSplits, TheWorkspaceIsLinearInTheRows) {
  for (const std::int64_t rows : {280, 8192, 65536, 524288}) {
    EXPECT_LE(log_sum_exp_workspace_bytes(rows, rows), (rows + kBlocksWanted * kPairRows) * 16);
    EXPECT_LE(softmax_product_workspace_bytes(rows, rows, 128, 4), (rows + kBlocksWanted * kPairRows) * 128 * 4);
  }
}

}  // namespace
}  // namespace singerprint
