#include "nn/transformer_layout.h"

#include <gtest/gtest.h>

#include <functional>
#include <numeric>
#include <set>
#include <stdexcept>

namespace singerprint {
namespace {

std::int64_t weights_of(const DrawnLayout& layout) {
  std::int64_t weights = 0;
  for (const DrawnTensor& tensor : layout) {
    weights += std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::int64_t{1}, std::multiplies<>());
  }
  return weights;
}

// The published encoder (real-cloned-singer-id, foundation/model.py): two channels, 128 mels, 240 frames.
TEST(TransformerLayout, ViTHasTheWeightsOfThePublishedNetwork) {
  EXPECT_EQ(weights_of(vit_layout({2, 128, 240, 2048, 16, {384, 12, 1536}})), 22325888);
}

TEST(TransformerLayout, EveryTensorHasItsOwnName) {
  const VitShape vit{1, 32, 48, 7, 16, {24, 3, 48}};
  const CnnTransformerShape cnn{1, 80, 7, 4, {24, 3, 48}};
  for (const DrawnLayout& layout : {vit_layout(vit), cnn_transformer_layout(cnn)}) {
    std::set<std::string> names;
    for (const DrawnTensor& tensor : layout) names.insert(tensor.name);
    EXPECT_EQ(names.size(), layout.size());
  }
  EXPECT_EQ(vit_layout(vit).size(), kVitTensorsBeforeBlocks + 3 * kTensorsPerBlock + kVitTensorsAfterBlocks);
  EXPECT_EQ(cnn_transformer_layout(cnn).size(),
            kCnnTensorsBeforeBlocks + 3 * kTensorsPerBlock + kCnnTensorsAfterBlocks);
}

TEST(TransformerLayout, PositionsAreLearnedForWholePatches) {
  for (const std::int64_t frames : {240, 241, 255}) {
    const DrawnLayout layout = vit_layout({1, 128, frames, 7, 16, {24, 1, 48}});
    EXPECT_EQ(layout[1].shape, (std::vector<std::int64_t>{1, 1 + 8 * 15, 24})) << frames;
  }
}

TEST(TransformerLayout, RowsAreThoseThatTwoConvolutionsOfStrideTwoLeave) {
  for (std::int64_t mels = 1; mels <= 20; ++mels) {
    const std::int64_t once = (mels + 1) / 2, twice = (once + 1) / 2;  // 3 x 3, padded by 1
    EXPECT_EQ((CnnTransformerShape{1, mels, 7, 4, {24, 1, 48}}.rows()), twice) << mels;
  }
}

TEST(TransformerLayout, NamesTheSizeThatDoesNotFit) {
  const auto message = [](const auto& make) -> std::string {
    try {
      make();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message([] { vit_layout({1, 100, 240, 7, 16, {24, 1, 48}}); }),
            "vit: mels must be a positive multiple of 16, got 100");
  EXPECT_EQ(message([] { vit_layout({1, 128, 15, 7, 16, {24, 1, 48}}); }), "vit: frames must be at least 16, got 15");
  EXPECT_EQ(message([] { vit_layout({1, 128, 240, 7, 16, {24, 0, 48}}); }), "vit: layers must be at least 1, got 0");
  EXPECT_EQ(message([] { cnn_transformer_layout({1, 80, 0, 4, {24, 1, 48}}); }),
            "cnn_transformer: embedding_dim must be at least 1, got 0");
}

}  // namespace
}  // namespace singerprint
