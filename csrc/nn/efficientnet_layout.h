// The shapes of EfficientNets (Tan and Le 2019, https://arxiv.org/abs/1905.11946), written once: the networks, their
// torch::nn twins and the Python module all take sizes, names and order of their tensors from here. A variant is
// EfficientNet-B0 (table 1) scaled as torchvision and the published code do:
//   channels' = channels * width, to the nearest multiple of 8 that is not below 0.9 of it
//   layers'   = ceil(layers * depth)
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace singerprint {

// `layers` inverted residual blocks; the first one takes the stride and the change of channels.
struct Stage {
  int expand_ratio;
  int kernel;
  int stride;
  int in_channels;
  int out_channels;
  int layers;
};

inline constexpr int kStemKernel = 3;
inline constexpr int kSqueezeRatio = 4;  // squeeze-and-excitation: squeezed = input channels of the block / 4
inline constexpr int kTotalStride = 32;  // of stem and stages: mels and frames shrink by it

// One inverted residual block: expand (1x1), depthwise (kernel x kernel), squeeze-and-excitation, project (1x1).
struct Block {
  int kernel;
  int stride;
  int in_channels;
  int expanded_channels;
  int squeezed_channels;
  int out_channels;

  constexpr bool expands() const { return expanded_channels != in_channels; }
  constexpr bool has_shortcut() const { return stride == 1 && in_channels == out_channels; }
};

constexpr Block block_of(const Stage& stage, int layer) {
  const int in_channels = layer == 0 ? stage.in_channels : stage.out_channels;
  return {stage.kernel,
          layer == 0 ? stage.stride : 1,
          in_channels,
          in_channels * stage.expand_ratio,
          in_channels / kSqueezeRatio,
          stage.out_channels};
}

struct EfficientNetVariant {
  const char* name;
  std::array<Stage, 7> stages;
  int stem_channels;
  int head_channels;  // 4 times those of the last stage

  // Blocks with a shortcut around them.
  constexpr int residual_blocks() const {
    int count = 0;
    for (const Stage& stage : stages) {
      for (int layer = 0; layer < stage.layers; ++layer) count += block_of(stage, layer).has_shortcut();
    }
    return count;
  }
};

constexpr int scaled_channels(int channels, double width) {
  const double wanted = channels * width;
  const int nearest = static_cast<int>(wanted + 4) / 8 * 8;
  return nearest < 8 ? 8 : nearest < 0.9 * wanted ? nearest + 8 : nearest;
}

constexpr int scaled_layers(int layers, double depth) {
  const int whole = static_cast<int>(layers * depth);
  return whole < layers * depth ? whole + 1 : whole;
}

constexpr EfficientNetVariant efficientnet_variant(const char* name, double width, double depth) {
  EfficientNetVariant variant{name,
                              {{{1, 3, 1, 32, 16, 1},
                                {6, 3, 2, 16, 24, 2},
                                {6, 5, 2, 24, 40, 2},
                                {6, 3, 2, 40, 80, 3},
                                {6, 5, 1, 80, 112, 3},
                                {6, 5, 2, 112, 192, 4},
                                {6, 3, 1, 192, 320, 1}}},
                              0,
                              0};
  for (Stage& stage : variant.stages) {
    stage.in_channels = scaled_channels(stage.in_channels, width);
    stage.out_channels = scaled_channels(stage.out_channels, width);
    stage.layers = scaled_layers(stage.layers, depth);
  }
  variant.stem_channels = variant.stages.front().in_channels;
  variant.head_channels = 4 * variant.stages.back().out_channels;
  return variant;
}

inline constexpr EfficientNetVariant kEfficientNetB0 = efficientnet_variant("efficientnet_b0", 1.0, 1.0);
inline constexpr EfficientNetVariant kEfficientNetB4 = efficientnet_variant("efficientnet_b4", 1.4, 1.8);

// Throws std::invalid_argument where there is none of that name.
const EfficientNetVariant& efficientnet_variant_named(const std::string& name);

// What a tensor is, hence how it is initialised: parameters first, then the three buffers of a batch norm.
enum class TensorKind { kConvolution, kLinear, kBias, kNormWeight, kRunningMean, kRunningVar, kNumBatchesTracked };
const char* tensor_kind_name(TensorKind kind);

struct TensorLayout {
  std::string name;  // torchvision's key, "features.1.0.block.0.0.weight"
  std::vector<std::int64_t> shape;
  TensorKind kind;

  bool is_parameter() const { return kind < TensorKind::kRunningMean; }
};

// Every tensor of the network in the order of torchvision's state_dict(). Throws std::invalid_argument below 1.
std::vector<TensorLayout> efficientnet_layout(const EfficientNetVariant& variant, std::int64_t in_channels,
                                              std::int64_t embedding_dim);

// Those before the linear layer.
std::vector<TensorLayout> efficientnet_features_layout(const EfficientNetVariant& variant, std::int64_t in_channels);

}  // namespace singerprint
