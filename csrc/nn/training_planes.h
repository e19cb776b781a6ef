// What the native training of a convolutional network hands around: activations in blocks of channels, the workers that
// share them, and the kernels.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/parts.h"
#include "nn/convolution_gradients.h"
#include "nn/folded_clip.h"
#include "nn/norm_kernels.h"
#include "nn/pixel_kernels.h"
#include "nn/workers.h"

namespace singerprint {

struct TrainingKernels {
  PixelKernels<float> pixel;
  NormKernels norm;
  GradientKernels gradient;
  std::int64_t lanes;
};
const TrainingKernels& training_kernels();

// Blocks of channels that hold `channels`.
std::int64_t lane_blocks(std::int64_t channels);

// (blocks, clips, pixels, lanes). Lanes behind the last channel are zeros.
template <class Float>
struct Planes {
  Float* data;
  std::int64_t clips;
  std::int64_t pixels;
  std::int64_t lanes;

  std::int64_t block_floats() const { return clips * pixels * lanes; }
  Float* at(std::int64_t block, std::int64_t clip = 0, std::int64_t pixel = 0) const {
    return data + ((block * clips + clip) * pixels + pixel) * lanes;
  }
  operator Planes<const Float>() const
    requires(!std::is_const_v<Float>)
  {
    return {data, clips, pixels, lanes};
  }
};

// Workers of a training step. The work on one block of channels is one task, so that its planes stay in the cache;
// where there are too few blocks for the workers, they share the clips of a block. The partition changes no sum.
class Team {
 public:
  explicit Team(Workers workers) : workers_(std::move(workers)) {}

  int count() const { return workers_.count; }
  const Workers& workers() const { return workers_; }

  using BlockTask = std::function<void(std::int64_t block, const Workers& clip_workers, int worker)>;
  void for_each_block(std::int64_t blocks, const BlockTask& task) const;

  // Runs of at most `most` pixels of each clip.
  using PixelTask = std::function<void(std::int64_t clip, std::int64_t first, std::int64_t pixels, int worker)>;
  void for_each_run(std::int64_t clips, std::int64_t pixels, std::int64_t most, const PixelTask& task) const;

 private:
  Workers workers_;
};

// Calls run(first, pixels) for runs whose sums fit float32 and whose planes fit the first-level cache.
template <class Run>
void for_each_summed_run(std::int64_t pixels, Run run) {
  constexpr std::int64_t kSummed = 512;
  for (std::int64_t first = 0; first < pixels; first += kSummed) run(first, std::min(kSummed, pixels - first));
}

// weight[n * channel_stride + k * depth_stride] of `channels` channels n and `depth` k, as PixelProduct wants them,
// part after part of (depth, blocks of it, lanes).
struct WeightMatrix {
  const float* data;
  std::int64_t channels;
  std::int64_t depth;
  std::int64_t channel_stride;
  std::int64_t depth_stride;
};
void pack_weights(const WeightMatrix& matrix, float* to);

// out = activation(in * weights + bias) of `pixels` consecutive pixels. blocks: of out. bias: (blocks, lanes), or
// nullptr for none. residual: as out, or nullptr.
struct PackedProduct {
  const float* in;
  std::int64_t in_block;
  std::int64_t depth;
  const float* weights;  // of pack_weights
  const float* bias;
  const float* residual;
  float* out;
  std::int64_t out_block;
  Activation activation;
};
void multiply(const PackedProduct& product, std::int64_t blocks, std::int64_t pixels);

// to[r * row_stride + l] = tile[r, l] of the rows and columns that exist.
void unpack_tile(const float* tile, std::int64_t rows, std::int64_t columns, std::int64_t row_stride, float* to);

}  // namespace singerprint
