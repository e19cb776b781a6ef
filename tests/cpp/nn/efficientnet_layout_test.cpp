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

// 5,288,548 weights: table 1 of the paper rounds them to 5.3 million; torchvision's documentation gives all digits.
TEST(EfficientNetLayout, HasTheWeightsOfThePublishedNetwork) {
  std::int64_t weights = 0;
  for (const TensorLayout& tensor : efficientnet_b0_layout(3, 1000))
    weights += tensor.is_parameter() * count_of(tensor);
  EXPECT_EQ(weights, 5288548);
}

TEST(EfficientNetLayout, EveryTensorHasItsOwnName) {
  const auto layout = efficientnet_b0_layout(1, 1000);
  std::set<std::string> names;
  for (const TensorLayout& tensor : layout) names.insert(tensor.name);
  EXPECT_EQ(names.size(), layout.size());
  EXPECT_EQ(layout.size(), 360u);  // of 364 keys of the released models, 4 belong to their front end
}

TEST(EfficientNetLayout, EachStageTakesWhatTheOneBeforeGives) {
  int channels = kStemChannels;
  for (const Stage& stage : kEfficientNetB0Stages) {
    EXPECT_EQ(stage.in_channels, channels);
    channels = stage.out_channels;
  }
  EXPECT_EQ(4 * channels, kHeadChannels);
}

TEST(EfficientNetLayout, TheStridesMultiplyToTheTotalStride) {
  int stride = 2;  // of the stem
  for (const Stage& stage : kEfficientNetB0Stages) stride *= stage.stride;
  EXPECT_EQ(stride, kTotalStride);
}

TEST(EfficientNetLayout, OnlyTheFirstAndTheLastTensorsKnowTheSizesAskedFor) {
  const auto one = efficientnet_b0_layout(1, 10), three = efficientnet_b0_layout(3, 20);
  ASSERT_EQ(one.size(), three.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    const bool differs = i == 0 || i + 2 >= one.size();
    EXPECT_EQ(one[i].shape != three[i].shape, differs) << one[i].name;
  }
}

TEST(EfficientNetLayout, NamesTheSizeThatIsTooSmall) {
  try {
    efficientnet_b0_layout(0, 1000);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "efficientnet_b0: in_channels must be at least 1, got 0");
  }
}

}  // namespace
}  // namespace singerprint
