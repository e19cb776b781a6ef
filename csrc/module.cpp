// The Python module `_C`: importing it registers every op; its attributes tell what was built.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "core/dispatch.h"
#include "nn/efficientnet_layout.h"
#include "nn/transformer_layout.h"

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

using DrawnTensor = std::tuple<std::string, std::vector<std::int64_t>, const char*, double>;

std::vector<DrawnTensor> as_tuples(const singerprint::DrawnLayout& layout) {
  std::vector<DrawnTensor> result;
  for (const auto& tensor : layout) {
    result.emplace_back(tensor.name, tensor.shape, singerprint::first_values_name(tensor.values), tensor.scale);
  }
  return result;
}

std::vector<DrawnTensor> vit_layout(std::int64_t channels, std::int64_t mels, std::int64_t frames,
                                    std::int64_t embedding_dim, std::int64_t patch, std::int64_t dim,
                                    std::int64_t layers, std::int64_t hidden) {
  return as_tuples(singerprint::vit_layout({channels, mels, frames, embedding_dim, patch, {dim, layers, hidden}}));
}

std::vector<DrawnTensor> cnn_transformer_layout(std::int64_t channels, std::int64_t mels, std::int64_t embedding_dim,
                                                std::int64_t front_channels, std::int64_t dim, std::int64_t layers,
                                                std::int64_t hidden) {
  return as_tuples(
      singerprint::cnn_transformer_layout({channels, mels, embedding_dim, front_channels, {dim, layers, hidden}}));
}

}  // namespace

PYBIND11_MODULE(_C, module) {
  module.doc() = "Native core of singerprint: importing it registers torch.ops.singerprint.*";
  module.attr("has_cuda") = static_cast<bool>(SINGERPRINT_HAS_CUDA);
  module.def("instruction_set", &singerprint::instruction_set_name,
             "Instruction set of the CPU kernels: 'baseline', 'avx2', 'avx512' or 'avx512_bf16'.");
  module.def("efficientnet_layout", &efficientnet_layout, pybind11::arg("variant"), pybind11::arg("in_channels"),
             pybind11::arg("embedding_dim"), "Key, shape and kind of every tensor, in the order of the state dict.");
  module.def("vit_layout", &vit_layout, pybind11::arg("channels"), pybind11::arg("mels"), pybind11::arg("frames"),
             pybind11::arg("embedding_dim"), pybind11::arg("patch"), pybind11::arg("dim"), pybind11::arg("layers"),
             pybind11::arg("hidden"), "Key, shape and first values of every tensor, in the op's order.");
  module.def("cnn_transformer_layout", &cnn_transformer_layout, pybind11::arg("channels"), pybind11::arg("mels"),
             pybind11::arg("embedding_dim"), pybind11::arg("front_channels"), pybind11::arg("dim"),
             pybind11::arg("layers"), pybind11::arg("hidden"),
             "Key, shape and first values of every tensor, in the op's order.");
  module.def("efficientnet_shortcuts", &efficientnet_shortcuts, pybind11::arg("variant"),
             "Whether each block has a shortcut around it.");
}
