#include "nn/folded_efficientnet.h"

#include <gtest/gtest.h>

#include <cmath>

#include "folded_network.h"

namespace singerprint {
namespace {

float packed(const FoldedEfficientNet& network, const PackedFilters& filters, std::int64_t n, std::int64_t k) {
  const int lanes = network.kernels.lanes;
  for (std::int64_t part = 0;; ++part) {
    const BlockRange range = block_range(part, filters.blocks);
    const std::int64_t block = n / lanes - range.begin;
    if (block < range.count) {
      return filters.weight[(range.begin * filters.depth + k * range.count + block) * lanes + n % lanes];
    }
  }
}

TEST(FoldedEfficientNet, BatchNormsAreInTheFilters) {
  const OwnedTensors owned(3, 10);
  const FoldedEfficientNet network = fold_efficientnet(owned.tensors);
  const PackedFilters& stem = network.blocks.front().expand;
  ASSERT_EQ(stem.depth, 27);
  const auto &filters = owned.values[0], &weight = owned.values[1], &bias = owned.values[2], &mean = owned.values[3],
             &variance = owned.values[4];
  for (int n = 0; n < kEfficientNetB0.stem_channels; ++n) {
    const double factor = weight[n] / std::sqrt(variance[n] + 1e-5);
    for (int k = 0; k < 27; ++k) {
      EXPECT_EQ(packed(network, stem, n, k), static_cast<float>(filters[n * 27 + k] * factor));
    }
    EXPECT_EQ(stem.bias[n], static_cast<float>(bias[n] - mean[n] * factor));
  }
}

TEST(FoldedEfficientNet, TheLastLayerIsCopied) {
  const OwnedTensors owned(1, 10);
  const FoldedEfficientNet network = fold_efficientnet(owned.tensors);
  const auto &weight = owned.values[owned.values.size() - 2], &bias = owned.values.back();
  for (int n = 0; n < 10; ++n) {
    for (int k = 0; k < network.head_channels; ++k) {
      EXPECT_EQ(packed(network, network.classifier, n, k), weight[n * network.head_channels + k]);
    }
    EXPECT_EQ(network.classifier.bias[n], bias[n]);
  }
}

TEST(FoldedEfficientNet, BehindTheLastChannelAreZeros) {
  const OwnedTensors owned(1, 5);
  const FoldedEfficientNet network = fold_efficientnet(owned.tensors);
  for (std::int64_t n = 5; n < network.classifier.blocks * network.kernels.lanes; ++n) {
    for (int k = 0; k < network.head_channels; ++k) EXPECT_EQ(packed(network, network.classifier, n, k), 0.0f);
    EXPECT_EQ(network.classifier.bias[n], 0.0f);
  }
}

TEST(FoldedEfficientNet, HasTheBlocksOfTheStages) {
  for (const EfficientNetVariant& variant : {kEfficientNetB0, kEfficientNetB4}) {
    const OwnedTensors owned(1, 5, variant);
    const FoldedEfficientNet network = fold_efficientnet(owned.tensors);
    EXPECT_EQ(network.blocks.size(), variant.name == kEfficientNetB0.name ? 16u : 32u);
    for (const FoldedBlock& block : network.blocks) {
      EXPECT_EQ(block.project.depth, block.shape.expanded_channels);
      EXPECT_EQ(block.depthwise.depth, block.shape.kernel * block.shape.kernel);
      EXPECT_EQ(block.squeeze.depth, block.shape.expanded_channels);
      EXPECT_EQ(block.excite.depth, block.shape.squeezed_channels);
    }
  }
}

}  // namespace
}  // namespace singerprint
