// The shapes of the networks made of transformer blocks, written once: the ops check their tensors against them, and
// the Python modules take names, order, sizes and first values from here. Blocks have timm's keys (timm 1.0,
// models/vision_transformer.py).
#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace singerprint {

// How the first values of a tensor are drawn. `scale` below is the deviation, the bound of the uniform distribution
// (-scale, scale), or the constant itself.
enum class FirstValues { kNormal, kTruncatedNormal, kUniform, kConstant };
const char* first_values_name(FirstValues values);

struct DrawnTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  FirstValues values;
  double scale;
};
using DrawnLayout = std::vector<DrawnTensor>;

// `layers` blocks over tokens of `dim` numbers; between the two layers of its perceptron a block has `hidden` ones.
struct BlocksShape {
  std::int64_t dim;
  std::int64_t layers;
  std::int64_t hidden;

  auto operator<=>(const BlocksShape&) const = default;
};
inline constexpr std::int64_t kTensorsPerBlock = 12;
inline constexpr std::int64_t kHiddenInBlock = 8;  // the place of mlp.fc1.weight among them

// An image of channels x mels x frames, cut into patch x patch pieces; frames: those that positions are learned for.
struct VitShape {
  std::int64_t channels;
  std::int64_t mels;
  std::int64_t frames;
  std::int64_t embedding_dim;
  std::int64_t patch;
  BlocksShape blocks;

  std::int64_t rows() const { return mels / patch; }
  std::int64_t columns() const { return frames / patch; }
  auto operator<=>(const VitShape&) const = default;
};
inline constexpr std::int64_t kVitTensorsBeforeBlocks = 4, kVitTensorsAfterBlocks = 2;

// An image of channels x mels x any number of frames, whose mels and frames two convolutions divide by 4.
struct CnnTransformerShape {
  std::int64_t channels;
  std::int64_t mels;
  std::int64_t embedding_dim;
  std::int64_t front_channels;  // of the first convolution; the second one gives twice as many
  BlocksShape blocks;

  std::int64_t rows() const { return (mels + 3) / 4; }
  auto operator<=>(const CnnTransformerShape&) const = default;
};
inline constexpr std::int64_t kCnnTensorsBeforeBlocks = 8, kCnnTensorsAfterBlocks = 5;
inline constexpr std::int64_t kFrontKernel = 3;
inline constexpr std::int64_t kPositionKernel = 15;  // tokens that one hears of the others' place by

// Every tensor in the order of computation. Throw std::invalid_argument for sizes below 1 and, of a ViT, mels that do
// not divide into patches or fewer frames than one patch.
DrawnLayout vit_layout(const VitShape& shape);
DrawnLayout cnn_transformer_layout(const CnnTransformerShape& shape);

}  // namespace singerprint
