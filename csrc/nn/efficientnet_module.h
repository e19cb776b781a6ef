// EfficientNetB0, EfficientNetB4: the torch::nn twins of Python's singerprint.models.EfficientNet, for programs without
// Python. They own the tensors under the same (torchvision's) names and call the same function, efficientnet; they have
// neither dropout nor stochastic depth.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <vector>

#include "nn/efficientnet_layout.h"

namespace singerprint {

struct EfficientNetImpl : torch::nn::Module {
  // Initialised as torchvision's, from PyTorch's global generator (torch::manual_seed), as C++ modules are.
  EfficientNetImpl(const EfficientNetVariant& variant, std::int64_t in_channels, std::int64_t embedding_dim);

  // (batch, in_channels, mels, frames) -> (batch, embedding_dim). In training mode it updates the running statistics.
  at::Tensor forward(const at::Tensor& spectrograms);

  static constexpr double kMomentum = 0.1;
  static constexpr double kEps = 1e-5;

 private:
  const EfficientNetVariant& variant_;
  // The registered tensors in the op's order: to(), load and the optimisers change them in place.
  std::vector<at::Tensor> parameters_of_op_;
  std::vector<at::Tensor> running_statistics_;
  std::vector<at::Tensor> batches_tracked_;
};

struct EfficientNetB0Impl : EfficientNetImpl {
  explicit EfficientNetB0Impl(std::int64_t in_channels = 1, std::int64_t embedding_dim = 1000)
      : EfficientNetImpl(kEfficientNetB0, in_channels, embedding_dim) {}
};
TORCH_MODULE(EfficientNetB0);

struct EfficientNetB4Impl : EfficientNetImpl {
  explicit EfficientNetB4Impl(std::int64_t in_channels = 1, std::int64_t embedding_dim = 1000)
      : EfficientNetImpl(kEfficientNetB4, in_channels, embedding_dim) {}
};
TORCH_MODULE(EfficientNetB4);

}  // namespace singerprint
