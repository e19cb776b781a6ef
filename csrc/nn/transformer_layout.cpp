#include "nn/transformer_layout.h"

#include <cmath>
#include <initializer_list>
#include <stdexcept>
#include <utility>

namespace singerprint {
namespace {

// timm's init_weights_vit_timm, which is that of Dosovitskiy et al. 2021.
constexpr double kBlockDeviation = 0.02;
constexpr double kClassTokenDeviation = 1e-6;

using NamedSize = std::pair<const char*, std::int64_t>;

void check_sizes(const std::string& op, std::initializer_list<NamedSize> sizes, const BlocksShape& blocks) {
  std::vector<NamedSize> all = sizes;
  all.insert(all.end(), {{"dim", blocks.dim}, {"layers", blocks.layers}, {"hidden", blocks.hidden}});
  for (const auto& [argument, value] : all) {
    if (value < 1) {
      throw std::invalid_argument(op + ": " + argument + " must be at least 1, got " + std::to_string(value));
    }
  }
}

void add_norm(DrawnLayout& layout, const std::string& prefix, std::int64_t dim) {
  layout.push_back({prefix + ".weight", {dim}, FirstValues::kConstant, 1.0});
  layout.push_back({prefix + ".bias", {dim}, FirstValues::kConstant, 0.0});
}

void add_block_linear(DrawnLayout& layout, const std::string& prefix, std::int64_t out, std::int64_t in) {
  layout.push_back({prefix + ".weight", {out, in}, FirstValues::kTruncatedNormal, kBlockDeviation});
  layout.push_back({prefix + ".bias", {out}, FirstValues::kConstant, 0.0});
}

// Weight and bias as PyTorch's own layers begin: uniform within 1 / sqrt(inputs of one output).
void add_affine(DrawnLayout& layout, const std::string& prefix, const std::vector<std::int64_t>& shape) {
  std::int64_t inputs = 1;
  for (std::size_t axis = 1; axis < shape.size(); ++axis) inputs *= shape[axis];
  const double bound = 1.0 / std::sqrt(static_cast<double>(inputs));
  layout.push_back({prefix + ".weight", shape, FirstValues::kUniform, bound});
  layout.push_back({prefix + ".bias", {shape[0]}, FirstValues::kUniform, bound});
}

// A convolution before a ReLU, which keeps half of the power (He et al. 2015).
void add_rectified(DrawnLayout& layout, const std::string& prefix, std::int64_t out, std::int64_t in) {
  const double deviation = std::sqrt(2.0 / static_cast<double>(in * kFrontKernel * kFrontKernel));
  layout.push_back({prefix + ".weight", {out, in, kFrontKernel, kFrontKernel}, FirstValues::kNormal, deviation});
  layout.push_back({prefix + ".bias", {out}, FirstValues::kConstant, 0.0});
}

void add_blocks(DrawnLayout& layout, const BlocksShape& shape) {
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    const std::string prefix = "blocks." + std::to_string(layer);
    add_norm(layout, prefix + ".norm1", shape.dim);
    add_block_linear(layout, prefix + ".attn.qkv", 3 * shape.dim, shape.dim);
    add_block_linear(layout, prefix + ".attn.proj", shape.dim, shape.dim);
    add_norm(layout, prefix + ".norm2", shape.dim);
    add_block_linear(layout, prefix + ".mlp.fc1", shape.hidden, shape.dim);
    add_block_linear(layout, prefix + ".mlp.fc2", shape.dim, shape.hidden);
  }
}

}  // namespace

const char* first_values_name(FirstValues values) {
  constexpr const char* kNames[] = {"normal", "truncated_normal", "uniform", "constant"};
  return kNames[static_cast<int>(values)];
}

DrawnLayout vit_layout(const VitShape& shape) {
  const std::int64_t dim = shape.blocks.dim;
  check_sizes("vit", {{"channels", shape.channels}, {"embedding_dim", shape.embedding_dim}, {"patch", shape.patch}},
              shape.blocks);
  if (shape.mels < 1 || shape.mels % shape.patch != 0) {
    throw std::invalid_argument("vit: mels must be a positive multiple of " + std::to_string(shape.patch) + ", got " +
                                std::to_string(shape.mels));
  }
  if (shape.frames < shape.patch) {
    throw std::invalid_argument("vit: frames must be at least " + std::to_string(shape.patch) + ", got " +
                                std::to_string(shape.frames));
  }
  DrawnLayout layout;
  layout.push_back({"cls_token", {1, 1, dim}, FirstValues::kNormal, kClassTokenDeviation});
  layout.push_back(
      {"pos_embed", {1, 1 + shape.rows() * shape.columns(), dim}, FirstValues::kTruncatedNormal, kBlockDeviation});
  add_affine(layout, "patch_embed.proj", {dim, shape.channels, shape.patch, shape.patch});
  add_blocks(layout, shape.blocks);
  add_affine(layout, "feature_map_layer.0", {shape.embedding_dim, dim});
  return layout;
}

DrawnLayout cnn_transformer_layout(const CnnTransformerShape& shape) {
  const std::int64_t dim = shape.blocks.dim, channels = shape.front_channels;
  check_sizes("cnn_transformer",
              {{"channels", shape.channels},
               {"mels", shape.mels},
               {"embedding_dim", shape.embedding_dim},
               {"front_channels", channels}},
              shape.blocks);
  DrawnLayout layout;
  add_rectified(layout, "front.0", channels, shape.channels);
  add_rectified(layout, "front.1", 2 * channels, channels);
  add_affine(layout, "tokens", {dim, shape.rows() * 2 * channels});
  add_affine(layout, "positions", {dim, 1, kPositionKernel});
  add_blocks(layout, shape.blocks);
  add_norm(layout, "norm", dim);
  layout.push_back({"attention_pool.weight", {1, dim}, FirstValues::kTruncatedNormal, kBlockDeviation});
  add_affine(layout, "head", {shape.embedding_dim, dim});
  return layout;
}

}  // namespace singerprint
