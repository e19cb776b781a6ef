#include "nn/training_planes.h"

#include <gtest/gtest.h>

#include <set>

#include "training_values.h"

namespace singerprint {
namespace {

TEST(TrainingPlanes, PackedWeightsOfEitherLayoutGiveTheProduct) {
  const std::int64_t pixels = 15;
  for (std::int64_t channels : {1, 16, 24, 40, 112}) {
    for (std::int64_t depth : {1, 9, 33}) {
      const OwnPlanes in = OwnPlanes::random(depth, 1, pixels);
      const auto by_rows = normal_floats(channels * depth);
      std::vector<float> by_columns(by_rows.size());
      for (std::int64_t n = 0; n < channels; ++n) {
        for (std::int64_t k = 0; k < depth; ++k) by_columns[k * channels + n] = by_rows[n * depth + k];
      }
      OwnPlanes out = OwnPlanes::random(channels, 1, pixels), other = out;
      std::vector<float> packed(lane_blocks(channels) * depth * in.lanes), same(packed.size());
      pack_weights({by_rows.data(), channels, depth, depth, 1}, packed.data());
      pack_weights({by_columns.data(), channels, depth, 1, channels}, same.data());
      EXPECT_EQ(packed, same);
      multiply({in.values.data(), in.planes().block_floats(), depth, packed.data(), nullptr, other.values.data(),
                out.values.data(), out.planes().block_floats(), Activation::kNone},
               lane_blocks(channels), pixels);
      for (std::int64_t n = 0; n < channels; ++n) {
        for (std::int64_t p = 0; p < pixels; ++p) {
          double expected = other.of(n, 0, p);
          for (std::int64_t k = 0; k < depth; ++k) {
            expected += static_cast<double>(in.of(k, 0, p)) * by_rows[n * depth + k];
          }
          ASSERT_NEAR(out.of(n, 0, p), expected, 2e-5);  // 33 roundings
        }
      }
    }
  }
}

TEST(TrainingPlanes, ATeamTakesEachBlockOnceAndGivesTheFewOnesClipWorkers) {
  for (std::int64_t blocks : {1, 5, 6, 20}) {
    std::multiset<std::int64_t> seen;
    Team(unusual_workers(3)).for_each_block(blocks, [&](std::int64_t block, const Workers& clip_workers, int worker) {
      seen.insert(block);
      EXPECT_EQ(clip_workers.count, blocks < 6 ? 3 : 1);
      EXPECT_LT(worker, 3);
    });
    EXPECT_EQ(static_cast<std::int64_t>(seen.size()), blocks);
    EXPECT_EQ(static_cast<std::int64_t>(std::set(seen.begin(), seen.end()).size()), blocks);
  }
}

TEST(TrainingPlanes, RunsCoverEachPixelOfEachClipOnce) {
  std::vector<int> visits(2 * 50);
  Team(unusual_workers(2))
      .for_each_run(2, 50, 12, [&](std::int64_t clip, std::int64_t first, std::int64_t pixels, int) {
        EXPECT_LE(pixels, 12);
        for (std::int64_t p = first; p < first + pixels; ++p) ++visits[clip * 50 + p];
      });
  EXPECT_EQ(visits, std::vector<int>(2 * 50, 1));
}

TEST(TrainingPlanes, ATileIsWrittenWithoutItsPadding) {
  const std::int64_t lanes = training_kernels().lanes;
  const auto tile = normal_floats(lanes * lanes);
  std::vector<float> to(2 * 5, -1.0f);
  unpack_tile(tile.data(), 2, 3, 5, to.data());
  EXPECT_EQ(to, (std::vector<float>{tile[0], tile[1], tile[2], -1, -1, tile[lanes], tile[lanes + 1], tile[lanes + 2],
                                    -1, -1}));
}

}  // namespace
}  // namespace singerprint
