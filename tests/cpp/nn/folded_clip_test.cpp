#include "nn/folded_clip.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "folded_network.h"
#include "values_of_machine.h"

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

template <class Value>
std::vector<float> pooled_by(const FoldedEfficientNet<Value>& network, Picture size, const Workers& workers,
                             int content) {
  const std::vector<float> floats = spectrogram_of(network.in_channels, size);
  const std::vector<Value> spectrogram(floats.begin(), floats.end());
  const std::int64_t bytes = clip_bytes(network, size, workers);
  const AlignedFloats memory(bytes / 4);
  std::memset(memory.data(), content, bytes);
  std::vector<float> pooled(kHeadChannels);
  pooled_features(network, spectrogram.data(), size, workers, memory.data(), pooled.data());
  return pooled;
}

template <class Value>
class FoldedClips : public OfMachine<Value> {};
TYPED_TEST_SUITE(FoldedClips, Values);

constexpr Picture kSizes[] = {{1, 1}, {1, 40}, {80, 1}, {33, 47}, {80, 345}, {300, 70}};

TYPED_TEST(FoldedClips, TheNumberOfWorkersDoesNotChangeABit) {
  const OwnedTensors owned(2, 10);
  const auto network = fold_efficientnet<TypeParam>(owned.tensors);
  for (const Picture size : kSizes) {
    const auto pooled = pooled_by(network, size, one_worker(), 0);
    EXPECT_EQ(pooled, pooled_by(network, size, workers_backwards(3), 0)) << size.rows << " x " << size.columns;
    for (const float value : pooled) ASSERT_TRUE(std::isfinite(value));
  }
}

TYPED_TEST(FoldedClips, WhatTheMemoryHeldDoesNotMatter) {  // NaN, of either Value
  const OwnedTensors owned(1, 10);
  const auto network = fold_efficientnet<TypeParam>(owned.tensors);
  for (const Picture size : kSizes) {
    EXPECT_EQ(pooled_by(network, size, one_worker(), 0), pooled_by(network, size, one_worker(), 0xff));
  }
}

TYPED_TEST(FoldedClips, TheLastLayerIsLinear) {
  const OwnedTensors owned(1, 21);
  const auto network = fold_efficientnet<TypeParam>(owned.tensors);
  const std::vector<float> pooled = spectrogram_of(1, {3, kHeadChannels});
  std::vector<float> embeddings(3 * 21);
  embed_pooled(network, pooled.data(), 3, workers_backwards(2), embeddings.data());
  const auto &weight = owned.values[owned.values.size() - 2], &bias = owned.values.back();
  for (int clip = 0; clip < 3; ++clip) {
    for (int n = 0; n < 21; ++n) {
      double expected = bias[n];
      for (int k = 0; k < kHeadChannels; ++k) {
        const auto rounded = [](float value) { return static_cast<double>(static_cast<float>(TypeParam(value))); };
        expected += rounded(pooled[clip * kHeadChannels + k]) * rounded(weight[n * kHeadChannels + k]);
      }
      EXPECT_NEAR(embeddings[clip * 21 + n], expected, 1e-5);  // 1280 roundings of sums about 1, at random: 36 * 6e-8
    }
  }
}

}  // namespace
}  // namespace singerprint
