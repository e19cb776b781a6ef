// EfficientNetB0: the torch::nn twin of Python's singerprint.models.EfficientNet, for programs without Python.
// It owns the tensors under the same (torchvision's) names and calls the same function, efficientnet_b0.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <vector>

namespace singerprint {

// Visible: all else of the shared library is hidden.
struct __attribute__((visibility("default"))) EfficientNetB0Impl : torch::nn::Module {
  // Initialised as torchvision's, from PyTorch's global generator (torch::manual_seed), as C++ modules are.
  explicit EfficientNetB0Impl(std::int64_t in_channels = 1, std::int64_t embedding_dim = 1000);

  // (batch, in_channels, mels, frames) -> (batch, embedding_dim). In training mode it updates the running statistics.
  at::Tensor forward(const at::Tensor& spectrograms);

  static constexpr double kMomentum = 0.1;
  static constexpr double kEps = 1e-5;

 private:
  // The registered tensors in the op's order: to(), load and the optimisers change them in place.
  std::vector<at::Tensor> parameters_of_op_;
  std::vector<at::Tensor> running_statistics_;
  std::vector<at::Tensor> batches_tracked_;
};
TORCH_MODULE(EfficientNetB0);

}  // namespace singerprint
