#include "nn/folded_clip.h"

#include <algorithm>

#include "core/parts.h"
#include "nn/stem_patches.h"

namespace singerprint {
namespace {

constexpr std::int64_t kCacheLineBytes = 64;
// What a worker's band of expanded rows may take: it shares the second-level cache with the input and the output.
constexpr std::int64_t kBandFloats = std::int64_t{1} << 16;  // 256 KiB
// Pixels that one part of a projection takes: their inputs stay in the cache from one block of outputs to the next.
constexpr std::int64_t kProjectedPixels = 264;  // whole tiles of 12, 6 and 4

// One clip on its way through the network.
template <class Value>
class Clip {
 public:
  Clip(const FoldedEfficientNet<Value>& network, const Workers& workers, const Value* spectrogram,
       Picture spectrogram_size, void* memory)
      : network_(network),
        kernels_(network.kernels),
        lanes_(network.kernels.lanes),
        workers_(workers),
        spectrogram_(spectrogram),
        spectrogram_size_(spectrogram_size),
        size_(spectrogram_size.strided(2)),
        memory_(static_cast<char*>(memory)) {
    reserve();
  }

  std::int64_t bytes() const { return bytes_; }

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
    for (const FoldedBlock<Value>& block : network_.blocks) {
      expand_and_filter(block);
      squeeze_and_excite(block);
      project(block);
      std::swap(features_, next_);
    }
  }

  void reserve() {
    std::int64_t features = 0, filtered = 0, channels = 0, project = 0;
    Picture in = size_;
    for (const FoldedBlock<Value>& block : network_.blocks) {
      const Picture out = in.strided(block.shape.stride);
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
    patch_values_ = parts_of(network_.in_channels * kStemKernel * kStemKernel, lanes_) * size_.columns * lanes_;
    features_ = taken<Value>(features * lanes_);
    next_ = taken<Value>(features * lanes_);
    filtered_ = taken<Value>(filtered * lanes_);
    means_ = taken<float>(channels * lanes_);
    squeezed_ = taken<float>(channels * lanes_);
    gates_ = taken<float>(channels * lanes_);
    gated_weights_ = taken<Value>(project * lanes_);
    bands_ = taken<float>(workers_.count * band_floats_);
    patches_ = taken<Value>(workers_.count * patch_values_);
  }

  template <class Number>
  Number* taken(std::int64_t count) {
    auto* const begin = memory_ == nullptr ? nullptr : reinterpret_cast<Number*>(memory_ + bytes_);
    const auto bytes = static_cast<std::int64_t>(sizeof(Number)) * count;
    bytes_ += filled_up(bytes, kCacheLineBytes);
    return begin;
  }

  // One row of what the depthwise convolution sees into `to`, whose blocks lie to_block apart.
  void expand_row(const FoldedBlock<Value>& block, BlockRange range, std::int64_t row, int worker, float* to,
                  std::int64_t to_block) {
    const bool is_stem = &block == &network_.blocks.front();
    if (!is_stem && !block.shape.expands()) {
      const Value* const in = features_ + (range.begin * size_.pixels() + row * size_.columns) * lanes_;
      for (std::int64_t b = 0; b < range.count; ++b) {
        const Value* const plane = in + b * size_.pixels() * lanes_;
        std::transform(plane, plane + size_.columns * lanes_, to + b * to_block,
                       [](Value value) { return static_cast<float>(value); });
      }
      return;
    }
    const PackedFilters<Value>& expand = block.expand;
    Value* const in = is_stem ? patches_ + worker * patch_values_ : features_ + row * size_.columns * lanes_;
    if (is_stem) {
      stem_patches(spectrogram_, network_.in_channels, spectrogram_size_, row, expand.depth, size_.columns, lanes_, in);
    }
    const std::int64_t in_block = (is_stem ? size_.columns : size_.pixels()) * lanes_;
    kernels_.product_to_float({in, in_block, expand.depth, expand.weight + range.begin * expand.depth * lanes_,
                               expand.bias + range.begin * lanes_, nullptr, to, to_block, Activation::kSilu},
                              range.count, size_.columns);
  }

  // features -> filtered (depthwise convolution of the expanded features), and the means of its channels.
  void expand_and_filter(const FoldedBlock<Value>& block) {
    const std::int64_t blocks = block.depthwise.blocks;
    workers_.for_each(block_parts(blocks), [&](std::int64_t part, int worker) {
      expand_and_filter_blocks(block, block_range(part, blocks), worker);
    });
  }

  void expand_and_filter_blocks(const FoldedBlock<Value>& block, BlockRange range, int worker) {
    const int kernel = block.shape.kernel, stride = block.shape.stride, border = kernel / 2;
    const Picture out = size_.strided(stride);
    const std::int64_t columns = size_.columns + 2 * border, row_floats = columns * lanes_;
    const std::int64_t all_rows = (out.rows - 1) * stride + kernel;
    const std::int64_t most_rows =
        std::min(all_rows, std::max<std::int64_t>(kernel, kBandFloats / (range.count * row_floats)));
    const std::int64_t out_rows = (most_rows - kernel) / stride + 1;  // of a band
    const std::int64_t band_block = most_rows * row_floats;
    float* const band = bands_ + worker * band_floats_;
    clear_borders(band, range.count * most_rows, border);
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
      filter_band(block, range, band, band_block, y, rows, out);
      kept = kernel - stride;
      for (float* plane = band; plane < band + range.count * band_block; plane += band_block) {
        std::copy_n(plane + rows * stride * row_floats, kept * row_floats, plane);
      }
    }
    for (std::int64_t i = range.begin * lanes_; i < (range.begin + range.count) * lanes_; ++i) {
      means_[i] /= static_cast<float>(out.pixels());
    }
  }

  // Left and right of the rows of a band.
  void clear_borders(float* band, std::int64_t rows, std::int64_t border) {
    for (std::int64_t row = 0; row < rows; ++row, band += (size_.columns + 2 * border) * lanes_) {
      std::fill_n(band, border * lanes_, 0.0f);
      std::fill_n(band + (border + size_.columns) * lanes_, border * lanes_, 0.0f);
    }
  }

  void filter_band(const FoldedBlock<Value>& block, BlockRange range, const float* band, std::int64_t band_block,
                   std::int64_t first_row, std::int64_t rows, Picture out) {
    const std::int64_t in_columns = size_.columns + 2 * (block.shape.kernel / 2);
    for (std::int64_t b = 0; b < range.count; ++b) {
      const std::int64_t n = range.begin + b;
      kernels_.depthwise(
          {band + b * band_block, in_columns, block.depthwise.weight + n * block.depthwise.depth * lanes_,
           block.depthwise.bias + n * lanes_, filtered_ + (n * out.pixels() + first_row * out.columns) * lanes_,
           out.columns, means_ + n * lanes_},
          block.shape.kernel, block.shape.stride, rows);
    }
  }

  // One pixel: a product of a vector and a matrix.
  void vector_product(const PackedFilters<float>& filters, const float* in, Activation activation, float* out) {
    for (std::int64_t part = 0; part < block_parts(filters.blocks); ++part) {
      const BlockRange range = block_range(part, filters.blocks);
      kernels_.float_product(
          {in, lanes_, filters.depth, filters.weight + range.begin * filters.depth * lanes_,
           filters.bias + range.begin * lanes_, nullptr, out + range.begin * lanes_, lanes_, activation},
          range.count, 1);
    }
  }

  void squeeze_and_excite(const FoldedBlock<Value>& block) {
    vector_product(block.squeeze, means_, Activation::kSilu, squeezed_);
    vector_product(block.excite, squeezed_, Activation::kSigmoid, gates_);
  }

  // filtered, gated -> next, with the shortcut from features.
  void project(const FoldedBlock<Value>& block) {
    size_ = size_.strided(block.shape.stride);
    const PackedFilters<Value>& project = block.project;
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
    const Value* const weight = gates_weights ? gated_weights_ : project.weight;
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
    const PackedFilters<Value>& head = network_.head;
    const std::int64_t pixels = size_.pixels(), plane = pixels * lanes_;
    workers_.for_each(block_parts(head.blocks), [&](std::int64_t part, int worker) {
      const BlockRange range = block_range(part, head.blocks);
      float* const out = bands_ + worker * band_floats_;
      kernels_.product_to_float({features_, plane, head.depth, head.weight + range.begin * head.depth * lanes_,
                                 head.bias + range.begin * lanes_, nullptr, out, plane, Activation::kSilu},
                                range.count, pixels);
      use(range, out, plane);
    });
  }

  const FoldedEfficientNet<Value>& network_;
  const PixelKernels<Value>& kernels_;
  const std::int64_t lanes_;
  const Workers& workers_;
  const Value* const spectrogram_;
  const Picture spectrogram_size_;
  Picture size_;               // of features_
  Value* features_ = nullptr;  // a block's input
  Value* next_ = nullptr;      // and its output
  Value* filtered_ = nullptr;  // outputs of the depthwise convolution
  float* means_ = nullptr;     // their means over the pixels
  float* squeezed_ = nullptr;
  float* gates_ = nullptr;
  Value* gated_weights_ = nullptr;
  float* bands_ = nullptr;    // expanded rows, a band a worker
  Value* patches_ = nullptr;  // neighbourhoods in the spectrogram, a row a worker
  std::int64_t band_floats_ = 0;
  std::int64_t patch_values_ = 0;
  char* const memory_;
  std::int64_t bytes_ = 0;  // of it that are taken
};

}  // namespace

template <class Value>
std::int64_t clip_bytes(const FoldedEfficientNet<Value>& network, Picture spectrogram_size, const Workers& workers) {
  return Clip<Value>(network, workers, nullptr, spectrogram_size, nullptr).bytes();
}

template <class Value>
void pooled_features(const FoldedEfficientNet<Value>& network, const Value* spectrogram, Picture spectrogram_size,
                     const Workers& workers, void* memory, float* pooled) {
  Clip<Value>(network, workers, spectrogram, spectrogram_size, memory).pool(pooled);
}

template <class Value>
void feature_map(const FoldedEfficientNet<Value>& network, const Value* spectrogram, Picture spectrogram_size,
                 const Workers& workers, void* memory, float* features) {
  Clip<Value>(network, workers, spectrogram, spectrogram_size, memory).map(features);
}

#define SINGERPRINT_INSTANTIATE(V)                                                                               \
  template std::int64_t clip_bytes(const FoldedEfficientNet<V>&, Picture, const Workers&);                       \
  template void pooled_features(const FoldedEfficientNet<V>&, const V*, Picture, const Workers&, void*, float*); \
  template void feature_map(const FoldedEfficientNet<V>&, const V*, Picture, const Workers&, void*, float*);
SINGERPRINT_INSTANTIATE(float)
SINGERPRINT_INSTANTIATE(Bfloat16)
#undef SINGERPRINT_INSTANTIATE

}  // namespace singerprint
