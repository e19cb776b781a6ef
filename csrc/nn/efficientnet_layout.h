// The shape of EfficientNet-B0 (Tan and Le 2019, https://arxiv.org/abs/1905.11946, table 1), written once: the network,
// its torch::nn twin and the Python module all take sizes, names and order of their tensors from here.
#pragma once
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

inline constexpr Stage kEfficientNetB0Stages[] = {
    {1, 3, 1, 32, 16, 1},  {6, 3, 2, 16, 24, 2},   {6, 5, 2, 24, 40, 2},   {6, 3, 2, 40, 80, 3},
    {6, 5, 1, 80, 112, 3}, {6, 5, 2, 112, 192, 4}, {6, 3, 1, 192, 320, 1},
};
inline constexpr int kStemChannels = 32;
inline constexpr int kStemKernel = 3;
inline constexpr int kHeadChannels = 1280;
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
std::vector<TensorLayout> efficientnet_b0_layout(std::int64_t in_channels, std::int64_t embedding_dim);

}  // namespace singerprint
