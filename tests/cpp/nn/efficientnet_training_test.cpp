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

  explicit Tensors(std::int64_t in_channels) {
    at::manual_seed(0);
    for (const TensorLayout& layout : efficientnet_layout(kEfficientNetB0, in_channels, 1)) {
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

TEST(EfficientNetTraining, FeaturesAndGradientsAreThoseOfTheOperators) {
  const Tensors tensors(2);
  const at::Tensor spectrograms = at::randn({3, 2, 70, 97}).requires_grad_();
  ASSERT_TRUE(trains_natively(spectrograms, tensors.parameters, tensors.statistics));
  std::vector<at::Tensor> wide, inputs{spectrograms},
      wide_inputs{spectrograms.detach().to(at::kDouble).requires_grad_()};
  for (const at::Tensor& parameter : tensors.parameters) {
    wide.push_back(parameter.detach().to(at::kDouble).requires_grad_());
  }
  inputs.insert(inputs.end(), tensors.parameters.begin(), tensors.parameters.end());
  wide_inputs.insert(wide_inputs.end(), wide.begin(), wide.end());
  const at::Tensor features = trained_features(spectrograms, tensors.parameters, tensors.statistics, 0.1, 1e-5);
  const at::Tensor expected = features_by_operators(kEfficientNetB0, wide_inputs[0], wide, {}, true, 0.1, 1e-5);
  EXPECT_LE((features - expected).norm().item<double>(), 1e-5 * expected.norm().item<double>());  // the promise
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
  tensors.statistics.back() =
      at::ones({2 * kEfficientNetB0.head_channels}).slice(0, 0, std::nullopt, 2);  // written to in place
  EXPECT_FALSE(is_native(spectrograms));
}

}  // namespace
}  // namespace singerprint
