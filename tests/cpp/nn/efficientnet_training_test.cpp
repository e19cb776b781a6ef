#include "nn/efficientnet_training.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "nn/efficientnet.h"
#include "nn/efficientnet_layout.h"

namespace singerprint {
namespace {

struct Tensors {
  std::vector<at::Tensor> parameters, statistics;

  explicit Tensors(std::int64_t in_channels, const EfficientNetVariant& variant = kEfficientNetB0) {
    at::manual_seed(0);
    for (const TensorLayout& layout : efficientnet_layout(variant, in_channels, 1)) {
      if (layout.kind == TensorKind::kNumBatchesTracked || layout.name.starts_with("classifier")) continue;
      at::Tensor tensor = at::zeros(layout.shape);
      if (layout.kind == TensorKind::kConvolution) {
        tensor = at::randn(layout.shape) * std::sqrt(2.0 / static_cast<double>(tensor.numel() / tensor.size(0)));
      } else if (layout.kind == TensorKind::kNormWeight || layout.kind == TensorKind::kRunningVar) {
        tensor = at::ones(layout.shape);
      }
      (layout.is_parameter() ? parameters : statistics).push_back(tensor);
    }
    for (at::Tensor& parameter : parameters) parameter.requires_grad_();
  }
};

void expect_those_of_the_operators(const EfficientNetVariant& variant, double bound,
                                   const std::optional<at::Tensor>& scale) {
  const Tensors tensors(2, variant);
  const at::Tensor spectrograms = at::randn({3, 2, 70, 97}).requires_grad_();
  ASSERT_TRUE(trains_natively(spectrograms, tensors.parameters, tensors.statistics, scale));
  std::vector<at::Tensor> wide, inputs{spectrograms},
      wide_inputs{spectrograms.detach().to(at::kDouble).requires_grad_()};
  for (const at::Tensor& parameter : tensors.parameters) {
    wide.push_back(parameter.detach().to(at::kDouble).requires_grad_());
  }
  inputs.insert(inputs.end(), tensors.parameters.begin(), tensors.parameters.end());
  wide_inputs.insert(wide_inputs.end(), wide.begin(), wide.end());
  const at::Tensor features =
      trained_features(variant, spectrograms, tensors.parameters, tensors.statistics, 0.1, 1e-5, scale);
  const at::Tensor expected = features_by_operators(variant, wide_inputs[0], wide, {}, true, 0.1, 1e-5, scale);
  EXPECT_LE((features - expected).norm().item<double>(), bound * expected.norm().item<double>());
  const at::Tensor direction = at::randn_like(expected);
  const auto gradients = torch::autograd::grad({features}, inputs, {direction.to(at::kFloat)});
  const auto wide_gradients = torch::autograd::grad({expected}, wide_inputs, {direction});
  double error = 0, size = 0;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    error += (gradients[i] - wide_gradients[i]).square().sum().item<double>();
    size += wide_gradients[i].square().sum().item<double>();
  }
  EXPECT_LE(std::sqrt(error), 1e-4 * std::sqrt(size));
}

TEST(EfficientNetTraining, FeaturesAndGradientsAreThoseOfTheOperators) {
  // The promise of B0; B4 has twice its blocks.
  for (const auto& [variant, bound] : {std::pair(&kEfficientNetB0, 1e-5), std::pair(&kEfficientNetB4, 2e-5)}) {
    expect_those_of_the_operators(*variant, bound, {});
    expect_those_of_the_operators(*variant, bound, at::bernoulli(at::full({variant->residual_blocks(), 3}, 0.8)) / 0.8);
  }
}

TEST(EfficientNetTraining, TakesPlainFloatsAlone) {
  Tensors tensors(1);
  const at::Tensor spectrograms = at::randn({2, 1, 40, 40});
  const auto is_native = [&](const at::Tensor& of) {
    return trains_natively(of, tensors.parameters, tensors.statistics);
  };
  EXPECT_TRUE(is_native(spectrograms));
  EXPECT_TRUE(is_native(spectrograms.transpose(2, 3)));
  EXPECT_FALSE(is_native(spectrograms.to(at::kDouble)));
  EXPECT_FALSE(is_native(spectrograms.to(at::kMeta)));
  const auto scales_natively = [&](const at::Tensor& scale) {
    return trains_natively(spectrograms, tensors.parameters, tensors.statistics, scale);
  };
  const at::Tensor scale = at::ones({kEfficientNetB0.residual_blocks(), 2});
  EXPECT_TRUE(scales_natively(scale));
  EXPECT_TRUE(scales_natively(scale.to(at::kDouble)));
  EXPECT_FALSE(scales_natively(scale.to(at::kMeta)));
  EXPECT_FALSE(scales_natively(scale.clone().requires_grad_()));
  tensors.statistics.back() =
      at::ones({2 * kEfficientNetB0.head_channels}).slice(0, 0, std::nullopt, 2);  // written to in place
  EXPECT_FALSE(is_native(spectrograms));
}

}  // namespace
}  // namespace singerprint
