// folded_clip: one clip through efficientnet_b0 with fixed weights, on the CPU (the formula:
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
#include <functional>

#include "nn/folded_efficientnet.h"

namespace singerprint {

// for_each(parts, run) calls run(part, worker) for every part in [0, parts), in any order, perhaps several at once;
// worker < count, and no two at once are the same.
struct Workers {
  int count;
  std::function<void(std::int64_t parts, const std::function<void(std::int64_t part, int worker)>& run)> for_each;
};

struct Picture {
  std::int64_t rows;
  std::int64_t columns;

  std::int64_t pixels() const { return rows * columns; }
};

// Bytes of memory that pooled_features needs for a spectrogram of that size.
template <class Value>
std::int64_t clip_bytes(const FoldedEfficientNet<Value>& network, Picture spectrogram_size, const Workers& workers);

// spectrogram: (in_channels, mels, frames). memory: clip_bytes, on a cache line, of any content.
// pooled: (1280,), the mean of the features.
template <class Value>
void pooled_features(const FoldedEfficientNet<Value>& network, const Value* spectrogram, Picture spectrogram_size,
                     const Workers& workers, void* memory, float* pooled);

// pooled: (clips, 1280) -> embeddings: (clips, embedding_dim), the linear layer.
template <class Value>
void embed_pooled(const FoldedEfficientNet<Value>& network, const float* pooled, std::int64_t clips,
                  const Workers& workers, float* embeddings);

}  // namespace singerprint
