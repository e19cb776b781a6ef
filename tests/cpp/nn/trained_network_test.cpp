#include "nn/trained_network.h"

#include <gtest/gtest.h>

#include <cmath>

#include "training_values.h"

namespace singerprint {
namespace {

// The network on random spectrograms, and what it keeps.
struct Training {
  TrainedNetworkShape shape;
  std::vector<std::vector<float>> parameters, statistics, states;
  std::vector<float> spectrograms = normal_floats(shape.clips * shape.channels * shape.spectrogram.pixels());
  std::vector<float> features =
      std::vector<float>(shape.clips * shape.variant.head_channels * shape.features().pixels());
  std::vector<float> dfeatures = normal_floats(static_cast<std::int64_t>(features.size()));
  std::vector<float> residual_scale;  // none, or of each clip in each block with a shortcut
  int layers = 0;

  explicit Training(const TrainedNetworkShape& its) : shape(its) {
    for (const TensorLayout& layout : efficientnet_layout(shape.variant, shape.channels, 1)) {
      std::int64_t count = 1;
      for (const std::int64_t size : layout.shape) count *= size;
      if (layout.name.starts_with("classifier") || layout.kind == TensorKind::kNumBatchesTracked) continue;
      std::vector<float> values(count, 0.0f);
      if (layout.kind == TensorKind::kConvolution) {
        values = normal_floats(count);
        for (float& value : values) value /= std::sqrt(static_cast<float>(count / layout.shape.front()));
      } else if (layout.kind == TensorKind::kNormWeight || layout.kind == TensorKind::kRunningVar) {
        std::fill(values.begin(), values.end(), 1.0f);
      }
      (layout.is_parameter() ? parameters : statistics).push_back(values);
    }
  }

  TrainedNetworkTensors tensors() {
    TrainedNetworkTensors result{{}, {}, 0.1, 1e-3, residual_scale.empty() ? nullptr : residual_scale.data()};
    for (const auto& tensor : parameters) result.parameters.push_back(tensor.data());
    for (auto& tensor : statistics) result.running_statistics.push_back(tensor.data());
    return result;
  }

  void train(const Team& team) {
    states.clear();
    layers = 0;
    const KeptStates kept{[&](std::int64_t floats) { return states.emplace_back(floats).data(); }, [&] { ++layers; }};
    train_network(shape, tensors(), spectrograms.data(), team, kept, features.data());
  }

  // Gradients of the parameters, and last of the spectrograms.
  std::vector<std::vector<float>> differentiate(const Team& team, std::size_t first, bool wants_spectrograms) {
    std::vector<std::vector<float>> result;
    TrainedNetworkGradients gradients{first, {}, nullptr};
    for (const auto& tensor : parameters) result.emplace_back(tensor.size(), -1.0f);
    result.emplace_back(spectrograms.size(), -1.0f);
    for (auto& tensor : result) gradients.parameters.push_back(tensor.data());
    if (wants_spectrograms) gradients.spectrograms = gradients.parameters.back();
    gradients.parameters.pop_back();
    std::vector<float*> kept;
    for (auto& state : states) kept.push_back(state.data());
    train_network_gradient(shape, tensors(), spectrograms.data(), kept, dfeatures.data(), team, gradients);
    return result;
  }
};

TEST(TrainedNetwork, KeepsWhatEachLayerTakesAndEndsEachOnce) {
  Training run({kEfficientNetB0, 2, 1, {33, 40}});
  run.train(Team(one_worker()));
  EXPECT_EQ(run.shape.features().rows, 2);
  EXPECT_EQ(run.shape.features().columns, 2);
  EXPECT_EQ(run.layers, 18);
  EXPECT_EQ(run.states.size(), 3u + 16 * 5 + 3);
  for (const float value : run.features) ASSERT_TRUE(std::isfinite(value));
}

// Of B4 and with clips dropped from blocks.
TEST(TrainedNetwork, WorkersDoNotChangeABit) {
  Training run({kEfficientNetB4, 3, 3, {34, 39}});
  for (int i = 0; i < 3 * kEfficientNetB4.residual_blocks(); ++i) run.residual_scale.push_back(i % 4 == 0 ? 0 : 1.25f);
  run.train(Team(one_worker()));
  const std::vector<float> features = run.features;
  const auto gradients = run.differentiate(Team(one_worker()), 0, true);
  const Team team(unusual_workers(5));
  run.train(team);
  EXPECT_EQ(run.features, features);
  EXPECT_EQ(run.differentiate(team, 0, true), gradients);
}

TEST(TrainedNetwork, LayersBeforeTheFirstWantedAreLeftAlone) {
  Training run({kEfficientNetB0, 2, 1, {33, 40}});
  const Team team(one_worker());
  run.train(team);
  const auto all = run.differentiate(team, 0, true);
  for (std::size_t first : {1u, 50u, 210u}) {
    const auto some = run.differentiate(team, first, false);
    EXPECT_EQ(std::vector(some.begin() + static_cast<std::ptrdiff_t>(first), some.end() - 1),
              std::vector(all.begin() + static_cast<std::ptrdiff_t>(first), all.end() - 1));
    EXPECT_EQ(some.back(), std::vector<float>(run.spectrograms.size(), -1.0f));
    EXPECT_EQ(some.front()[0] == -1.0f, first > 2);
  }
}

}  // namespace
}  // namespace singerprint
