// folded_clip: one clip through an EfficientNet with fixed weights, on the CPU in float32 (the formula:
// nn/efficientnet.h). Every convolution is one product, or one depthwise plane, of nn/pixel_kernels.h with its bias,
// SiLU and shortcut. A clip goes through the network alone, so that its activations stay in the cache:
//   - expansion and depthwise convolution are one pass, a few channels and a band of rows at a time: the expanded
//     picture, the network's largest, never exists. That pass also sums its outputs for squeeze-and-excitation.
//   - the stem is the expansion of the first block: a product with the 3 x 3 neighbourhoods of the spectrogram.
//   - the gates of squeeze-and-excitation go to the weights of the projection or to its input, whichever is smaller.
// The order of every sum is fixed by the sizes of one clip: its embedding is the same bits in any batch and with any
// number of threads.
#pragma once
#include <cstdint>

#include "nn/folded_efficientnet.h"
#include "nn/workers.h"

namespace singerprint {

struct Picture {
  std::int64_t rows;
  std::int64_t columns;

  std::int64_t pixels() const { return rows * columns; }
};

// Floats of memory that pooled_features and feature_map need for a spectrogram of that size.
std::int64_t clip_floats(const FoldedEfficientNet& network, Picture spectrogram_size, const Workers& workers);

// spectrogram: (in_channels, mels, frames). memory: clip_floats, on a cache line, of any content.
// pooled: (head_channels,), the mean of the features.
void pooled_features(const FoldedEfficientNet& network, const float* spectrogram, Picture spectrogram_size,
                     const Workers& workers, float* memory, float* pooled);

// features: (ceil(mels / 32), ceil(frames / 32), head_channels); the other arguments as of pooled_features.
void feature_map(const FoldedEfficientNet& network, const float* spectrogram, Picture spectrogram_size,
                 const Workers& workers, float* memory, float* features);

}  // namespace singerprint
