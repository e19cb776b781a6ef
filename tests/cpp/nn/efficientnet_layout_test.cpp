#include "nn/efficientnet_layout.h"

#include <gtest/gtest.h>

#include <functional>
#include <numeric>
#include <set>
#include <stdexcept>

namespace singerprint {
namespace {

std::int64_t count_of(const TensorLayout& tensor) {
  return std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::int64_t weights_of(const EfficientNetVariant& variant) {
  std::int64_t weights = 0;
  for (const TensorLayout& tensor : efficientnet_layout(variant, 3, 1000)) {
    weights += tensor.is_parameter() * count_of(tensor);
  }
  return weights;
}

// Table 2 of the paper rounds them to 5.3 and 19 million; torchvision's documentation gives all digits.
TEST(EfficientNetLayout, HasTheWeightsOfThePublishedNetworks) {
  EXPECT_EQ(weights_of(kEfficientNetB0), 5288548);
  EXPECT_EQ(weights_of(kEfficientNetB4), 19341616);
}

TEST(EfficientNetLayout, ChannelsAreScaledToMultiplesOfEight) {
  EXPECT_EQ(scaled_channels(32, 1.0), 32);
  EXPECT_EQ(scaled_channels(1, 1.0), 8);
  EXPECT_EQ(scaled_channels(16, 1.4), 24);    // 22.4
  EXPECT_EQ(scaled_channels(10, 1.1), 16);    // 8 of 11 would be too few
  EXPECT_EQ(scaled_channels(112, 1.4), 160);  // 156.8
}

TEST(EfficientNetLayout, LayersAreRoundedUp) {
  EXPECT_EQ(scaled_layers(2, 1.0), 2);
  EXPECT_EQ(scaled_layers(2, 1.8), 4);
  EXPECT_EQ(scaled_layers(4, 1.8), 8);
}

TEST(EfficientNetLayout, CountsTheBlocksWithAShortcut) {
  EXPECT_EQ(kEfficientNetB0.residual_blocks(), 9);
  EXPECT_EQ(kEfficientNetB4.residual_blocks(), 25);
}

TEST(EfficientNetLayout, AVariantIsFoundByItsName) {
  EXPECT_EQ(&efficientnet_variant_named("efficientnet_b4"), &kEfficientNetB4);
  try {
    efficientnet_variant_named("efficientnet_b9");
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "efficientnet: variant must be efficientnet_b0 or efficientnet_b4, got efficientnet_b9");
  }
}

TEST(EfficientNetLayout, EveryTensorHasItsOwnName) {
  const auto layout = efficientnet_layout(kEfficientNetB0, 1, 1000);
  std::set<std::string> names;
  for (const TensorLayout& tensor : layout) names.insert(tensor.name);
  EXPECT_EQ(names.size(), layout.size());
  EXPECT_EQ(layout.size(), 360u);  // of 364 keys of the released models, 4 belong to their front end
}

TEST(EfficientNetLayout, EachStageTakesWhatTheOneBeforeGives) {
  for (const EfficientNetVariant& variant : {kEfficientNetB0, kEfficientNetB4}) {
    int channels = variant.stem_channels;
    for (const Stage& stage : variant.stages) {
      EXPECT_EQ(stage.in_channels, channels);
      channels = stage.out_channels;
    }
    EXPECT_EQ(4 * channels, variant.head_channels);
  }
}

TEST(EfficientNetLayout, TheStridesMultiplyToTheTotalStride) {
  int stride = 2;  // of the stem
  for (const Stage& stage : kEfficientNetB0.stages) stride *= stage.stride;
  EXPECT_EQ(stride, kTotalStride);
}

TEST(EfficientNetLayout, OnlyTheFirstAndTheLastTensorsKnowTheSizesAskedFor) {
  const auto one = efficientnet_layout(kEfficientNetB0, 1, 10), three = efficientnet_layout(kEfficientNetB0, 3, 20);
  ASSERT_EQ(one.size(), three.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    const bool differs = i == 0 || i + 2 >= one.size();
    EXPECT_EQ(one[i].shape != three[i].shape, differs) << one[i].name;
  }
}

TEST(EfficientNetLayout, NamesTheSizeThatIsTooSmall) {
  try {
    efficientnet_layout(kEfficientNetB0, 0, 1000);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "efficientnet_b0: in_channels must be at least 1, got 0");
  }
}

}  // namespace
}  // namespace singerprint
