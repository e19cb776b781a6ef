// trained_network: EfficientNet-B0 or -B4 up to its features (nn/efficientnet.h) in training, on the CPU in float32,
// and its gradients. Stem and head are products with batch norm and SiLU (nn/trained_convolution.h), all between them
// are inverted residuals (nn/inverted_residual.h).
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "nn/inverted_residual.h"

namespace singerprint {

struct TrainedNetworkShape {
  const EfficientNetVariant& variant;
  std::int64_t clips;
  std::int64_t channels;
  Picture spectrogram;

  std::vector<InvertedResidualShape> blocks() const;
  Picture stem() const;      // after the stem
  Picture features() const;  // after the last block
};

// Contiguous tensors in the order of efficientnet_layout, without the linear layer.
struct TrainedNetworkTensors {
  std::vector<const float*> parameters;
  std::vector<float*> running_statistics;  // the gradient needs none
  double momentum;
  double eps;
  const float* residual_scale;  // (blocks with a shortcut, clips), or nullptr: 1
};

// Where the memory of what is kept comes from.
struct KeptStates {
  std::function<float*(std::int64_t floats)> take;
  std::function<void()> layer_ends;  // but for the last of them, what was taken is kept for the gradient alone
};

// spectrograms: (clips, channels, mels, frames). features: (clips, head channels, rows, columns).
void train_network(const TrainedNetworkShape& shape, const TrainedNetworkTensors& tensors, const float* spectrograms,
                   const Team& team, const KeptStates& kept, float* features);

struct TrainedNetworkGradients {
  std::size_t first_parameter;     // gradients of its layer, and of all behind it, are computed
  std::vector<float*> parameters;  // of all parameters
  float* spectrograms;             // or nullptr
};

// states: what was taken, in order.
void train_network_gradient(const TrainedNetworkShape& shape, const TrainedNetworkTensors& tensors,
                            const float* spectrograms, const std::vector<float*>& states, const float* dfeatures,
                            const Team& team, const TrainedNetworkGradients& gradients);

}  // namespace singerprint
