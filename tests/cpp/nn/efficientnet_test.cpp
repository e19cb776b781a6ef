#include "nn/efficientnet.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include "nn/efficientnet_layout.h"

namespace singerprint {
namespace {

struct Tensors {
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> running_statistics;
};

// Filters of the size that keeps a signal's level, statistics of 0 and 1.
Tensors random_tensors(std::int64_t in_channels, std::int64_t embedding_dim) {
  at::manual_seed(0);
  Tensors result;
  for (const TensorLayout& layout : efficientnet_layout(kEfficientNetB0, in_channels, embedding_dim)) {
    const at::Tensor zeros = at::zeros(layout.shape);
    if (layout.kind == TensorKind::kConvolution || layout.kind == TensorKind::kLinear) {
      const double fan_in = static_cast<double>(zeros.numel()) / static_cast<double>(zeros.size(0));
      result.parameters.push_back(at::randn_like(zeros) / std::sqrt(fan_in));
    } else if (layout.is_parameter()) {
      result.parameters.push_back(layout.kind == TensorKind::kNormWeight ? zeros + 1 : zeros);
    } else if (layout.kind != TensorKind::kNumBatchesTracked) {
      result.running_statistics.push_back(layout.kind == TensorKind::kRunningVar ? zeros + 1 : zeros);
    }
  }
  return result;
}

at::Tensor embed(const at::Tensor& spectrograms, const Tensors& tensors, bool training) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::efficientnet_b0", "")
                             .typed<at::Tensor(const at::Tensor&, at::TensorList, at::TensorList, bool, double, double,
                                               const std::optional<at::Tensor>&, const std::optional<at::Tensor>&)>();
  return op.call(spectrograms, tensors.parameters, tensors.running_statistics, training, 0.1, 1e-5, {}, {});
}

TEST(EfficientNet, GivesOneEmbeddingPerClip) {
  const at::Tensor result = embed(at::randn({2, 1, 33, 40}), random_tensors(1, 7), false);
  EXPECT_EQ(result.sizes(), (at::IntArrayRef{2, 7}));
  EXPECT_TRUE(result.isfinite().all().item<bool>());
}

TEST(EfficientNet, FoldedAndUnfoldedBatchNormAgree) {
  Tensors tensors = random_tensors(1, 7);
  const at::Tensor spectrograms = at::randn({3, 1, 40, 33});
  for (int pass = 0; pass < 30; ++pass) embed(spectrograms, tensors, true);  // statistics that fit the weights
  const at::Tensor folded = embed(spectrograms, tensors, false);
  tensors.parameters.front().requires_grad_();
  const at::Tensor unfolded = embed(spectrograms, tensors, false);
  // 81 convolutions in float32: the roundings of the two orders add up to some 1e-6 of the largest value.
  EXPECT_LE((folded - unfolded).abs().max().item<float>(), 1e-5f * unfolded.abs().max().item<float>());
}

TEST(EfficientNet, OnlyTrainingChangesTheRunningStatistics) {
  const Tensors tensors = random_tensors(1, 7);
  const at::Tensor mean = tensors.running_statistics.front().clone();
  const at::Tensor spectrograms = at::randn({2, 1, 33, 40}) + 1;
  embed(spectrograms, tensors, false);
  EXPECT_TRUE(tensors.running_statistics.front().equal(mean));
  embed(spectrograms, tensors, true);
  EXPECT_FALSE(tensors.running_statistics.front().equal(mean));
}

TEST(EfficientNet, TheInputIsNotChanged) {
  const at::Tensor spectrograms = at::randn({2, 1, 33, 40});
  const at::Tensor before = spectrograms.clone();
  embed(spectrograms, random_tensors(1, 7), true);
  EXPECT_TRUE(spectrograms.equal(before));
}

}  // namespace
}  // namespace singerprint
