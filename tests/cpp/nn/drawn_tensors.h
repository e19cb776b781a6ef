// Tensors of a layout with values that let a signal through.
#pragma once
#include <ATen/ATen.h>

#include <vector>

#include "nn/transformer_layout.h"

namespace singerprint {

inline std::vector<at::Tensor> drawn_tensors(const DrawnLayout& layout) {
  at::manual_seed(0);
  std::vector<at::Tensor> result;
  for (const DrawnTensor& tensor : layout) result.push_back(0.3 * at::randn(tensor.shape));
  return result;
}

}  // namespace singerprint
