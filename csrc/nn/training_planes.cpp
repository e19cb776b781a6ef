#include "nn/training_planes.h"

#include <cstring>

namespace singerprint {

const TrainingKernels& training_kernels() {
  static const TrainingKernels kernels = [] {
    const PixelKernels<float> pixel = SINGERPRINT_LANES(pixel_kernels)();
    return TrainingKernels{pixel, SINGERPRINT_LANES(norm_kernels)(), SINGERPRINT_LANES(gradient_kernels)(),
                           pixel.lanes};
  }();
  return kernels;
}

std::int64_t lane_blocks(std::int64_t channels) { return parts_of(channels, training_kernels().lanes); }

void Team::for_each_block(std::int64_t blocks, const BlockTask& task) const {
  if (blocks >= 2 * workers_.count || workers_.count == 1) {
    workers_.for_each(blocks, [&](std::int64_t block, int worker) { task(block, one_worker(), worker); });
    return;
  }
  for (std::int64_t block = 0; block < blocks; ++block) task(block, workers_, 0);
}

void Team::for_each_run(std::int64_t clips, std::int64_t pixels, std::int64_t most, const PixelTask& task) const {
  const std::int64_t runs = parts_of(pixels, most);
  workers_.for_each(clips * runs, [&](std::int64_t part, int worker) {
    const std::int64_t first = part % runs * most;
    task(part / runs, first, std::min(most, pixels - first), worker);
  });
}

void pack_weights(const WeightMatrix& matrix, float* to) {
  const std::int64_t lanes = training_kernels().lanes, blocks = lane_blocks(matrix.channels);
  for (std::int64_t part = 0; part < block_parts(blocks); ++part) {
    const BlockRange range = block_range(part, blocks);
    const std::int64_t first = range.begin * lanes, width = range.count * lanes;
    const std::int64_t channels = std::min(width, matrix.channels - first);
    for (std::int64_t k = 0; k < matrix.depth; ++k, to += width) {
      const float* const from = matrix.data + first * matrix.channel_stride + k * matrix.depth_stride;
      if (matrix.channel_stride == 1) {
        std::memcpy(to, from, static_cast<std::size_t>(channels) * sizeof(float));
      } else {
        for (std::int64_t n = 0; n < channels; ++n) to[n] = from[n * matrix.channel_stride];
      }
      std::fill(to + channels, to + width, 0.0f);
    }
  }
}

void multiply(const PackedProduct& product, std::int64_t blocks, std::int64_t pixels) {
  static constexpr float kNoBias[kMostBlocks * 16] = {};
  const TrainingKernels& kernels = training_kernels();
  for (std::int64_t part = 0; part < block_parts(blocks); ++part) {
    const BlockRange range = block_range(part, blocks);
    const std::int64_t begin = range.begin * product.out_block;
    kernels.pixel.product(
        {product.in, product.in_block, product.depth, product.weights + range.begin * product.depth * kernels.lanes,
         product.bias == nullptr ? kNoBias : product.bias + range.begin * kernels.lanes,
         product.residual == nullptr ? nullptr : product.residual + begin, product.out + begin, product.out_block,
         product.activation},
        range.count, pixels);
  }
}

void unpack_tile(const float* tile, std::int64_t rows, std::int64_t columns, std::int64_t row_stride, float* to) {
  const std::int64_t lanes = training_kernels().lanes;
  for (std::int64_t r = 0; r < rows; ++r) {
    std::memcpy(to + r * row_stride, tile + r * lanes, static_cast<std::size_t>(columns) * sizeof(float));
  }
}

}  // namespace singerprint
