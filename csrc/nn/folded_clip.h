// folded_clip: one clip through an EfficientNet with fixed weights, on the CPU (the formula:
// nn/efficientnet.h). Every convolution is one product, or one depthwise plane, of nn/pixel_kernels.h with its bias,
// SiLU and shortcut. A clip goes through the network alone, so that its activations stay in the cache:
//   - expansion and depthwise convolution are one pass, a few channels and a band of rows at a time: the expanded
//     picture, the network's largest, never exists. That pass also sums its outputs for squeeze-and-excitation.
//   - the stem is the expansion of the first block: a product with the 3 x 3 neighbourhoods of the spectrogram.
//   - the gates of squeeze-and-excitation go to the weights of the projection or to its input, whichever is smaller.
// What goes from layer to layer is stored as Values (nn/pixel_kernels.h): the expanded pictures are float, which
// nothing but the depthwise convolution reads. The order of every sum is fixed by the sizes of one clip: its embedding
// is the same bits in any batch and with any number of threads.
#pragma once
#include <cstdint>

#include "nn/folded_efficientnet.h"
#include "nn/workers.h"

namespace singerprint {

struct Picture {
  std::int64_t rows;
  std::int64_t columns;

  std::int64_t pixels() const { return rows * columns; }
  Picture strided(int stride) const { return {(rows - 1) / stride + 1, (columns - 1) / stride + 1}; }
};

// Bytes of memory that pooled_features and feature_map need for a spectrogram of that size.
template <class Value>
std::int64_t clip_bytes(const FoldedEfficientNet<Value>& network, Picture spectrogram_size, const Workers& workers);

// spectrogram: (in_channels, mels, frames). memory: clip_bytes, on a cache line, of any content.
// pooled: (head_channels,), the mean of the features.
template <class Value>
void pooled_features(const FoldedEfficientNet<Value>& network, const Value* spectrogram, Picture spectrogram_size,
                     const Workers& workers, void* memory, float* pooled);

// features: (ceil(mels / 32), ceil(frames / 32), head_channels); the other arguments as of pooled_features.
template <class Value>
void feature_map(const FoldedEfficientNet<Value>& network, const Value* spectrogram, Picture spectrogram_size,
                 const Workers& workers, void* memory, float* features);

}  // namespace singerprint
