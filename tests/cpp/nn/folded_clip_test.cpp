#include "nn/folded_clip.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "folded_network.h"
#include "unusual_workers.h"
#include "values_of_machine.h"

namespace singerprint {
namespace {

std::vector<float> spectrogram_of(std::int64_t channels, Picture size) {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(channels * size.pixels());
  for (float& value : values) value = normal(generator);
  return values;
}

template <class Value>
std::vector<float> pooled_by(const FoldedEfficientNet<Value>& network, Picture size, const Workers& workers,
                             int content) {
  const std::vector<float> floats = spectrogram_of(network.in_channels, size);
  const std::vector<Value> spectrogram(floats.begin(), floats.end());
  const std::int64_t bytes = clip_bytes(network, size, workers);
  const AlignedFloats memory(bytes / 4);
  std::memset(memory.data(), content, bytes);
  std::vector<float> pooled(network.head_channels);
  pooled_features(network, spectrogram.data(), size, workers, memory.data(), pooled.data());
  return pooled;
}

template <class Value>
class FoldedClips : public OfMachine<Value> {};
TYPED_TEST_SUITE(FoldedClips, Values);

constexpr Picture kSizes[] = {{1, 1}, {1, 40}, {80, 1}, {33, 47}, {80, 345}, {300, 70}};

TYPED_TEST(FoldedClips, TheNumberOfWorkersDoesNotChangeABit) {
  for (const EfficientNetVariant& variant : {kEfficientNetB0, kEfficientNetB4}) {
    const OwnedTensors owned(2, 10, variant);
    const auto network = fold_efficientnet<TypeParam>(owned.tensors);
    for (const Picture size : kSizes) {
      const auto pooled = pooled_by(network, size, one_worker(), 0);
      EXPECT_EQ(pooled, pooled_by(network, size, unusual_workers(3), 0)) << size.rows << " x " << size.columns;
      for (const float value : pooled) ASSERT_TRUE(std::isfinite(value));
    }
  }
}

TYPED_TEST(FoldedClips, WhatTheMemoryHeldDoesNotMatter) {  // NaN, of either Value
  const OwnedTensors owned(1, 10);
  const auto network = fold_efficientnet<TypeParam>(owned.tensors);
  for (const Picture size : kSizes) {
    EXPECT_EQ(pooled_by(network, size, one_worker(), 0), pooled_by(network, size, one_worker(), 0xff));
  }
}

TYPED_TEST(FoldedClips, TheFeaturesAreWhatIsPooled) {
  for (const EfficientNetVariant& variant : {kEfficientNetB0, kEfficientNetB4}) {
    const OwnedTensors owned(1, 10, variant);
    const auto network = fold_efficientnet<TypeParam>(owned.tensors);
    for (const Picture size : {Picture{1, 1}, {33, 47}, {80, 345}}) {
      const std::vector<float> pooled = pooled_by(network, size, one_worker(), 0);
      const Picture rows{(size.rows - 1) / kTotalStride + 1, (size.columns - 1) / kTotalStride + 1};
      const std::vector<float> floats = spectrogram_of(1, size);
      const std::vector<TypeParam> spectrogram(floats.begin(), floats.end());
      const AlignedFloats memory(clip_bytes(network, size, one_worker()) / 4);
      std::vector<float> features(rows.pixels() * network.head_channels);
      feature_map(network, spectrogram.data(), size, one_worker(), memory.data(), features.data());
      for (std::int64_t n = 0; n < network.head_channels; ++n) {
        double sum = 0.0;
        for (std::int64_t pixel = 0; pixel < rows.pixels(); ++pixel) sum += features[pixel * network.head_channels + n];
        // A sum of at most 33 values about 1 in float32, beside one in double.
        EXPECT_NEAR(pooled[n], sum / static_cast<double>(rows.pixels()), 2e-6);
      }
    }
  }
}

}  // namespace
}  // namespace singerprint
