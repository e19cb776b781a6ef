#include "nn/folded_clip.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "folded_network.h"

namespace singerprint {
namespace {

// Parts from the last to the first, by one worker after the other.
Workers workers_backwards(int count) {
  return {count, [count](std::int64_t parts, const std::function<void(std::int64_t, int)>& run) {
            for (std::int64_t part = parts - 1; part >= 0; --part) run(part, static_cast<int>(part % count));
          }};
}

Workers one_worker() {
  return {1, [](std::int64_t parts, const std::function<void(std::int64_t, int)>& run) {
            for (std::int64_t part = 0; part < parts; ++part) run(part, 0);
          }};
}

std::vector<float> spectrogram_of(std::int64_t channels, Picture size) {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(channels * size.pixels());
  for (float& value : values) value = normal(generator);
  return values;
}

std::vector<float> pooled_by(const FoldedEfficientNet& network, Picture size, const Workers& workers, float content) {
  const std::vector<float> spectrogram = spectrogram_of(network.in_channels, size);
  const std::int64_t floats = clip_floats(network, size, workers);
  const AlignedFloats memory(floats);
  std::fill_n(memory.data(), floats, content);
  std::vector<float> pooled(network.head_channels);
  pooled_features(network, spectrogram.data(), size, workers, memory.data(), pooled.data());
  return pooled;
}

constexpr Picture kSizes[] = {{1, 1}, {1, 40}, {80, 1}, {33, 47}, {80, 345}, {300, 70}};

TEST(FoldedClip, TheNumberOfWorkersDoesNotChangeABit) {
  for (const EfficientNetVariant& variant : {kEfficientNetB0, kEfficientNetB4}) {
    const OwnedTensors owned(2, 10, variant);
    const FoldedEfficientNet network = fold_efficientnet(owned.tensors);
    for (const Picture size : kSizes) {
      const auto pooled = pooled_by(network, size, one_worker(), 0.0f);
      EXPECT_EQ(pooled, pooled_by(network, size, workers_backwards(3), 0.0f)) << size.rows << " x " << size.columns;
      for (const float value : pooled) ASSERT_TRUE(std::isfinite(value));
    }
  }
}

TEST(FoldedClip, WhatTheMemoryHeldDoesNotMatter) {
  const OwnedTensors owned(1, 10);
  const FoldedEfficientNet network = fold_efficientnet(owned.tensors);
  for (const Picture size : kSizes) {
    EXPECT_EQ(pooled_by(network, size, one_worker(), 0.0f),
              pooled_by(network, size, one_worker(), std::numeric_limits<float>::quiet_NaN()));
  }
}

TEST(FoldedClip, TheFeaturesAreWhatIsPooled) {
  for (const EfficientNetVariant& variant : {kEfficientNetB0, kEfficientNetB4}) {
    const OwnedTensors owned(1, 10, variant);
    const FoldedEfficientNet network = fold_efficientnet(owned.tensors);
    for (const Picture size : {Picture{1, 1}, {33, 47}, {80, 345}}) {
      const std::vector<float> pooled = pooled_by(network, size, one_worker(), 0.0f);
      const Picture rows{(size.rows - 1) / kTotalStride + 1, (size.columns - 1) / kTotalStride + 1};
      const std::vector<float> spectrogram = spectrogram_of(1, size);
      const AlignedFloats memory(clip_floats(network, size, one_worker()));
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
