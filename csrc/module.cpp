// The Python module `_C`: importing it registers every op; its attributes tell what was built.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "core/dispatch.h"
#include "nn/efficientnet_layout.h"

namespace {

using NamedTensor = std::tuple<std::string, std::vector<std::int64_t>, const char*>;

std::vector<NamedTensor> efficientnet_layout(const std::string& variant, std::int64_t in_channels,
                                             std::int64_t embedding_dim) {
  std::vector<NamedTensor> result;
  const auto& shape = singerprint::efficientnet_variant_named(variant);
  for (const auto& tensor : singerprint::efficientnet_layout(shape, in_channels, embedding_dim)) {
    result.emplace_back(tensor.name, tensor.shape, singerprint::tensor_kind_name(tensor.kind));
  }
  return result;
}

std::vector<bool> efficientnet_shortcuts(const std::string& variant) {
  std::vector<bool> result;
  for (const singerprint::Stage& stage : singerprint::efficientnet_variant_named(variant).stages) {
    for (int layer = 0; layer < stage.layers; ++layer) {
      result.push_back(singerprint::block_of(stage, layer).has_shortcut());
    }
  }
  return result;
}

}  // namespace

PYBIND11_MODULE(_C, module) {
  module.doc() = "Native core of singerprint: importing it registers torch.ops.singerprint.*";
  module.attr("has_cuda") = static_cast<bool>(SINGERPRINT_HAS_CUDA);
  module.def("instruction_set", &singerprint::instruction_set_name,
             "Instruction set of the CPU kernels: 'baseline', 'avx2', 'avx512' or 'avx512_bf16'.");
  module.def("efficientnet_layout", &efficientnet_layout, pybind11::arg("variant"), pybind11::arg("in_channels"),
             pybind11::arg("embedding_dim"), "Key, shape and kind of every tensor, in the order of the state dict.");
  module.def("efficientnet_shortcuts", &efficientnet_shortcuts, pybind11::arg("variant"),
             "Whether each block has a shortcut around it.");
}
