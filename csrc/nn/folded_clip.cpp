#include "nn/folded_clip.h"

#include <algorithm>

namespace singerprint {
namespace {

// What a worker's band of expanded rows may take: it shares the second-level cache with the input and the output.
constexpr std::int64_t kBandFloats = std::int64_t{1} << 16;  // 256 KiB
// Pixels that one part of a projection takes: their inputs stay in the cache from one block of outputs to the next.
constexpr std::int64_t kProjectedPixels = 264;  // whole tiles of 12, 6 and 4

Picture strided(Picture picture, int stride) {
  return {(picture.rows - 1) / stride + 1, (picture.columns - 1) / stride + 1};
}

std::int64_t parts_of(std::int64_t whole, std::int64_t part) { return (whole + part - 1) / part; }

// One clip on its way through the network.
class Clip {
 public:
  Clip(const FoldedEfficientNet& network, const Workers& workers, const float* spectrogram, Picture spectrogram_size,
       float* memory)
      : network_(network),
        kernels_(network.kernels),
        lanes_(network.kernels.lanes),
        workers_(workers),
        spectrogram_(spectrogram),
        spectrogram_size_(spectrogram_size),
        size_(strided(spectrogram_size, 2)),
        memory_(memory) {
    reserve();
  }

  std::int64_t floats() const { return floats_; }

  void map(float* features) {
    run_blocks();
    for_each_head_part([&](BlockRange range, const float* head, std::int64_t plane) {
      for (std::int64_t b = 0; b < range.count; ++b) {
        float* const to = features + (range.begin + b) * lanes_;
        for (std::int64_t pixel = 0; pixel < size_.pixels(); ++pixel) {
          std::copy_n(head + b * plane + pixel * lanes_, lanes_, to + pixel * network_.head_channels);
        }
      }
    });
  }

  void pool(float* pooled) {
    run_blocks();
    const float factor = 1.0f / static_cast<float>(size_.pixels());
    for_each_head_part([&](BlockRange range, const float* head, std::int64_t) {
      kernels_.sum_pixels(head, range.count, size_.pixels(), factor, pooled + range.begin * lanes_);
    });
  }

 private:
  void run_blocks() {
    for (const FoldedBlock& block : network_.blocks) {
      expand_and_filter(block);
      squeeze_and_excite(block);
      project(block);
      std::swap(features_, next_);
    }
  }

  void reserve() {
    std::int64_t features = 0, filtered = 0, channels = 0, project = 0;
    Picture in = size_;
    for (const FoldedBlock& block : network_.blocks) {
      const Picture out = strided(in, block.shape.stride);
      features = std::max(features, block.project.blocks * out.pixels());
      filtered = std::max(filtered, block.depthwise.blocks * out.pixels());
      channels = std::max(channels, block.depthwise.blocks);
      project = std::max(project, block.project.blocks * block.project.depth);
      const std::int64_t band = kMostBlocks * (in.columns + 2 * (block.shape.kernel / 2)) * lanes_;
      band_floats_ = std::max({band_floats_, band * block.shape.kernel, kBandFloats + band});
      in = out;
    }
    // The head's outputs take a worker's band too.
    band_floats_ = std::max(band_floats_, kMostBlocks * in.pixels() * lanes_);
    patch_floats_ = parts_of(network_.in_channels * kStemKernel * kStemKernel, lanes_) * size_.columns * lanes_;
    features_ = taken(features * lanes_);
    next_ = taken(features * lanes_);
    filtered_ = taken(filtered * lanes_);
    means_ = taken(channels * lanes_);
    squeezed_ = taken(channels * lanes_);
    gates_ = taken(channels * lanes_);
    gated_weights_ = taken(project * lanes_);
    bands_ = taken(workers_.count * band_floats_);
    patches_ = taken(workers_.count * patch_floats_);
  }

  float* taken(std::int64_t floats) {
    float* const begin = memory_ == nullptr ? nullptr : memory_ + floats_;
    floats_ += parts_of(floats, 16) * 16;  // the next one begins on a cache line too
    return begin;
  }

  // The 3 x 3 neighbourhoods of the stem's row: (9 in_channels in blocks, columns, lanes).
  const float* patch_row(std::int64_t row, int worker) {
    float* const patches = patches_ + worker * patch_floats_;
    std::int64_t k = 0;
    for (std::int64_t channel = 0; channel < network_.in_channels; ++channel) {
      const float* const plane = spectrogram_ + channel * spectrogram_size_.pixels();
      for (int i = -1; i <= 1; ++i) {
        const std::int64_t y = 2 * row + i;
        const bool inside = y >= 0 && y < spectrogram_size_.rows;
        for (int j = -1; j <= 1; ++j, ++k) {
          float* const to = patches + k / lanes_ * size_.columns * lanes_ + k % lanes_;
          for (std::int64_t column = 0; column < size_.columns; ++column) {
            const std::int64_t x = 2 * column + j;
            const bool sees = inside && x >= 0 && x < spectrogram_size_.columns;
            to[column * lanes_] = sees ? plane[y * spectrogram_size_.columns + x] : 0.0f;
          }
        }
      }
    }
    return patches;
  }

  // One row of what the depthwise convolution sees into `to`, whose blocks lie to_block apart.
  void expand_row(const FoldedBlock& block, BlockRange range, std::int64_t row, int worker, float* to,
                  std::int64_t to_block) {
    const bool is_stem = &block == &network_.blocks.front();
    if (!is_stem && !block.shape.expands()) {
      const float* const in = features_ + (range.begin * size_.pixels() + row * size_.columns) * lanes_;
      for (std::int64_t b = 0; b < range.count; ++b) {
        std::copy_n(in + b * size_.pixels() * lanes_, size_.columns * lanes_, to + b * to_block);
      }
      return;
    }
    const PackedFilters& expand = block.expand;
    const float* const in = is_stem ? patch_row(row, worker) : features_ + row * size_.columns * lanes_;
    const std::int64_t in_block = (is_stem ? size_.columns : size_.pixels()) * lanes_;
    kernels_.product({in, in_block, expand.depth, expand.weight + range.begin * expand.depth * lanes_,
                      expand.bias + range.begin * lanes_, nullptr, to, to_block, Activation::kSilu},
                     range.count, size_.columns);
  }

  // features -> filtered (depthwise convolution of the expanded features), and the means of its channels.
  void expand_and_filter(const FoldedBlock& block) {
    const std::int64_t blocks = block.depthwise.blocks;
    workers_.for_each(block_parts(blocks), [&](std::int64_t part, int worker) {
      expand_and_filter_blocks(block, block_range(part, blocks), worker);
    });
  }

  void expand_and_filter_blocks(const FoldedBlock& block, BlockRange range, int worker) {
    const int kernel = block.shape.kernel, stride = block.shape.stride, border = kernel / 2;
    const Picture out = strided(size_, stride);
    const std::int64_t columns = size_.columns + 2 * border, row_floats = columns * lanes_;
    const std::int64_t all_rows = (out.rows - 1) * stride + kernel;
    const std::int64_t most_rows =
        std::min(all_rows, std::max<std::int64_t>(kernel, kBandFloats / (range.count * row_floats)));
    const std::int64_t out_rows = (most_rows - kernel) / stride + 1;  // of a band
    const std::int64_t band_block = most_rows * row_floats;
    float* const band = bands_ + worker * band_floats_;
    std::fill_n(band, range.count * band_block, 0.0f);  // the borders left and right stay so
    std::fill_n(means_ + range.begin * lanes_, range.count * lanes_, 0.0f);

    std::int64_t kept = 0;  // rows of the band before that this one needs too
    for (std::int64_t y = 0; y < out.rows; y += out_rows) {
      const std::int64_t rows = std::min(out_rows, out.rows - y);
      const std::int64_t first = y * stride - border, needed = (rows - 1) * stride + kernel;
      for (std::int64_t row = kept; row < needed; ++row) {
        float* const to = band + row * row_floats + border * lanes_;
        if (first + row >= 0 && first + row < size_.rows) {
          expand_row(block, range, first + row, worker, to, band_block);
        } else {
          for (std::int64_t b = 0; b < range.count; ++b) std::fill_n(to + b * band_block, size_.columns * lanes_, 0.0f);
        }
      }
      filter_band(block, range, band, band_block, {y, rows}, out);
      kept = kernel - stride;
      for (std::int64_t b = 0; b < range.count; ++b) {
        float* const plane = band + b * band_block;
        std::copy_n(plane + rows * stride * row_floats, kept * row_floats, plane);
      }
    }
    for (std::int64_t i = range.begin * lanes_; i < (range.begin + range.count) * lanes_; ++i) {
      means_[i] /= static_cast<float>(out.pixels());
    }
  }

  struct RowRange {
    std::int64_t begin;
    std::int64_t count;
  };

  void filter_band(const FoldedBlock& block, BlockRange range, const float* band, std::int64_t band_block,
                   RowRange rows, Picture out) {
    const std::int64_t in_columns = size_.columns + 2 * (block.shape.kernel / 2);
    for (std::int64_t b = 0; b < range.count; ++b) {
      const std::int64_t n = range.begin + b;
      kernels_.depthwise(
          {band + b * band_block, in_columns, block.depthwise.weight + n * block.depthwise.depth * lanes_,
           block.depthwise.bias + n * lanes_, filtered_ + (n * out.pixels() + rows.begin * out.columns) * lanes_,
           out.columns, means_ + n * lanes_},
          block.shape.kernel, block.shape.stride, rows.count);
    }
  }

  // One pixel: a product of a vector and a matrix.
  void vector_product(const PackedFilters& filters, const float* in, Activation activation, float* out) {
    for (std::int64_t part = 0; part < block_parts(filters.blocks); ++part) {
      const BlockRange range = block_range(part, filters.blocks);
      kernels_.product({in, lanes_, filters.depth, filters.weight + range.begin * filters.depth * lanes_,
                        filters.bias + range.begin * lanes_, nullptr, out + range.begin * lanes_, lanes_, activation},
                       range.count, 1);
    }
  }

  void squeeze_and_excite(const FoldedBlock& block) {
    vector_product(block.squeeze, means_, Activation::kSilu, squeezed_);
    vector_product(block.excite, squeezed_, Activation::kSigmoid, gates_);
  }

  // filtered, gated -> next, with the shortcut from features.
  void project(const FoldedBlock& block) {
    size_ = strided(size_, block.shape.stride);
    const PackedFilters& project = block.project;
    const std::int64_t pixels = size_.pixels(), plane = pixels * lanes_, matrix = project.depth * lanes_;
    const bool gates_weights = pixels > project.blocks * lanes_;
    const std::int64_t parts = block_parts(project.blocks);
    workers_.for_each(gates_weights ? parts : block.depthwise.blocks, [&](std::int64_t part, int) {
      if (gates_weights) {
        const BlockRange range = block_range(part, project.blocks);
        kernels_.gate_weights(project.weight + range.begin * matrix, gates_, project.depth, range.count,
                              gated_weights_ + range.begin * matrix);
      } else {
        kernels_.gate_pixels(filtered_ + part * plane, gates_ + part * lanes_, pixels);
      }
    });
    const float* const weight = gates_weights ? gated_weights_ : project.weight;
    workers_.for_each(parts_of(pixels, kProjectedPixels) * parts, [&](std::int64_t part, int) {
      const BlockRange range = block_range(part % parts, project.blocks);
      const std::int64_t first = part / parts * kProjectedPixels;
      const std::int64_t out = range.begin * plane + first * lanes_;
      kernels_.product({filtered_ + first * lanes_, plane, project.depth, weight + range.begin * matrix,
                        project.bias + range.begin * lanes_, block.shape.has_shortcut() ? features_ + out : nullptr,
                        next_ + out, plane, Activation::kNone},
                       range.count, std::min(kProjectedPixels, pixels - first));
    });
  }

  // Calls use with blocks of the head's outputs, (range.count, pixels, lanes), planes of as many floats.
  template <typename Use>
  void for_each_head_part(const Use& use) {
    const PackedFilters& head = network_.head;
    const std::int64_t pixels = size_.pixels(), plane = pixels * lanes_;
    workers_.for_each(block_parts(head.blocks), [&](std::int64_t part, int worker) {
      const BlockRange range = block_range(part, head.blocks);
      float* const out = bands_ + worker * band_floats_;
      kernels_.product({features_, plane, head.depth, head.weight + range.begin * head.depth * lanes_,
                        head.bias + range.begin * lanes_, nullptr, out, plane, Activation::kSilu},
                       range.count, pixels);
      use(range, out, plane);
    });
  }

  const FoldedEfficientNet& network_;
  const PixelKernels& kernels_;
  const std::int64_t lanes_;
  const Workers& workers_;
  const float* const spectrogram_;
  const Picture spectrogram_size_;
  Picture size_;               // of features_
  float* features_ = nullptr;  // a block's input
  float* next_ = nullptr;      // and its output
  float* filtered_ = nullptr;  // outputs of the depthwise convolution
  float* means_ = nullptr;     // their means over the pixels
  float* squeezed_ = nullptr;
  float* gates_ = nullptr;
  float* gated_weights_ = nullptr;
  float* bands_ = nullptr;    // expanded rows, a band a worker
  float* patches_ = nullptr;  // neighbourhoods in the spectrogram, a row a worker
  std::int64_t band_floats_ = 0;
  std::int64_t patch_floats_ = 0;
  float* const memory_;
  std::int64_t floats_ = 0;  // of it that are taken
};

}  // namespace

std::int64_t clip_floats(const FoldedEfficientNet& network, Picture spectrogram_size, const Workers& workers) {
  return Clip(network, workers, nullptr, spectrogram_size, nullptr).floats();
}

void pooled_features(const FoldedEfficientNet& network, const float* spectrogram, Picture spectrogram_size,
                     const Workers& workers, float* memory, float* pooled) {
  Clip(network, workers, spectrogram, spectrogram_size, memory).pool(pooled);
}

void feature_map(const FoldedEfficientNet& network, const float* spectrogram, Picture spectrogram_size,
                 const Workers& workers, float* memory, float* features) {
  Clip(network, workers, spectrogram, spectrogram_size, memory).map(features);
}

}  // namespace singerprint
