// Weights for tests of the folded network: filters of the size that keeps a signal's level, batch norms that do
// something.
#pragma once
#include <cmath>
#include <random>
#include <vector>

#include "nn/folded_efficientnet.h"

namespace singerprint {

struct OwnedTensors {
  std::vector<TensorLayout> layout;
  std::vector<std::vector<float>> values;  // in the layout's order
  EfficientNetTensors tensors;

  OwnedTensors(std::int64_t in_channels, std::int64_t embedding_dim,
               const EfficientNetVariant& variant = kEfficientNetB0)
      : layout(efficientnet_layout(variant, in_channels, embedding_dim)),
        tensors{variant, in_channels, embedding_dim, 1e-5, {}, {}} {
    std::mt19937 generator(0);
    std::normal_distribution<float> normal;
    for (const TensorLayout& tensor : layout) {
      std::int64_t count = 1;
      for (const std::int64_t size : tensor.shape) count *= size;
      std::vector<float> filled(count);
      const bool scales = tensor.kind == TensorKind::kNormWeight || tensor.kind == TensorKind::kRunningVar;
      const bool filters = tensor.kind == TensorKind::kConvolution || tensor.kind == TensorKind::kLinear;
      const float spread = filters ? std::sqrt(static_cast<float>(tensor.shape[0]) / static_cast<float>(count)) : 0.1f;
      for (float& value : filled) value = scales ? std::exp(0.1f * normal(generator)) : spread * normal(generator);
      values.push_back(std::move(filled));
    }
    for (std::size_t i = 0; i < layout.size(); ++i) {
      if (layout[i].is_parameter()) tensors.parameters.push_back(values[i].data());
      if (layout[i].kind == TensorKind::kRunningMean || layout[i].kind == TensorKind::kRunningVar) {
        tensors.running_statistics.push_back(values[i].data());
      }
    }
  }
  OwnedTensors(const OwnedTensors&) = delete;
};

}  // namespace singerprint
