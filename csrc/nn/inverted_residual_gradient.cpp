// The gradient of nn/inverted_residual.h, from its end to its beginning:
//   dprojected  from dout * residual_scale, through norm3
//   products    = y2' dprojected of each clip; with them the projection's weights, dfilters = sum of gate * products,
//                 and dgate = sum over outputs of filters * products: y2 * gate is multiplied by nothing twice
//   dy2         = (dprojected filters) * gate + dmean / pixels, dmean through squeeze-and-excitation from dgate
//   dfiltered   through norm2, dy1 and the taps' gradient from it, dexpanded through norm1
//   din         = dexpanded expand filters (+ dout)
#include <cmath>
#include <utility>

#include "dsp/aligned_floats.h"
#include "nn/depthwise_gradient.h"
#include "nn/inverted_residual_planes.h"

namespace singerprint {
namespace {

class Backward {
 public:
  Backward(const InvertedResidualShape& shape, const InvertedResidualTensors& tensors, const float* in,
           const InvertedResidualState& state, const Team& team, const InvertedResidualGradients& gradients)
      : shape_(shape),
        tensors_(tensors),
        in_{in, shape.clips, shape.in.pixels(), training_kernels().lanes},
        team_(team),
        gradients_(gradients),
        planes_(shape, state),
        gate_memory_(2 * planes_.expanded_blocks * planes_.gates.block_floats()),
        gate_gradients_{gate_memory_.data(), 1, shape.clips, kernels_.lanes},
        offsets_{gate_memory_.data() + planes_.expanded_blocks * planes_.gates.block_floats(), 1, shape.clips,
                 kernels_.lanes} {}

  void run(const float* dout, float* memory, float* din) {
    const Block& sizes = shape_.block;
    const std::int64_t out_floats = shape_.out_floats();
    const AlignedFloats dprojected_memory(out_floats, AlignedFloats::Unset{});
    dprojected_ = {dprojected_memory.data(), shape_.clips, planes_.projected.pixels, kernels_.lanes};
    team_.for_each_block(lane_blocks(sizes.out_channels), [&](std::int64_t block, const Workers& clip_workers, int) {
      normalized_block(block, clip_workers, dout);
    });
    team_.for_each_block(planes_.expanded_blocks,
                         [&](std::int64_t block, const Workers&, int) { projection_weights(block); });
    squeeze_and_excite();
    const Planes<float> dy1{sizes.expands() ? memory : din, shape_.clips, in_.pixels, kernels_.lanes};
    team_.for_each_block(planes_.expanded_blocks, [&](std::int64_t block, const Workers& clip_workers, int) {
      filtered_block(block, clip_workers, dy1);
    });
    const float* const residual = sizes.has_shortcut() ? dout : nullptr;
    if (sizes.expands()) {
      differentiate_input(dy1, tensors_.expand.filters, sizes.in_channels, sizes.expanded_channels, residual, team_,
                          {din, shape_.clips, in_.pixels, kernels_.lanes});
    } else if (residual != nullptr) {
      for (std::int64_t i = 0; i < out_floats; ++i) din[i] += residual[i];
    }
  }

 private:
  // From dout to dprojected.
  void normalized_block(std::int64_t block, const Workers& clip_workers, const float* dout) {
    const Planes<float>& projected = planes_.projected;
    ClipGradients sums(shape_.clips);
    clip_workers.for_each(shape_.clips, [&](std::int64_t clip, int) {
      const float* const plane = projected.at(block, clip);
      sums.add(clip, dout + (plane - projected.data), plane, projected.pixels, planes_.project_norm.row(block, 0));
      if (tensors_.residual_scale != nullptr) sums.scale(clip, tensors_.residual_scale[clip]);
    });
    float rows[3 * 16];
    const NormGradientLanes norm =
        sums.finish(planes_.project_norm, block, shape_.clips * projected.pixels, shape_.block.out_channels,
                    gradients_.project.weight, gradients_.project.bias, rows);
    clip_workers.for_each(shape_.clips, [&](std::int64_t clip, int) {
      const float* const plane = projected.at(block, clip);
      NormGradientLanes of_clip = norm;
      float scale[16];
      if (tensors_.residual_scale != nullptr) {
        for (std::int64_t i = 0; i < kernels_.lanes; ++i) scale[i] = tensors_.residual_scale[clip] * norm.scale[i];
        of_clip.scale = scale;
      }
      kernels_.norm.norm_gradient(dout + (plane - projected.data), plane, of_clip, projected.pixels,
                                  dprojected_.at(block, clip));
    });
  }

  // The projection's filters of one block of its inputs, (out_channels, lanes).
  void pack_projection(std::int64_t block, float* to) const {
    const std::int64_t depth = shape_.block.expanded_channels, first = block * kernels_.lanes;
    pack_weights({tensors_.project.filters + first, std::min(kernels_.lanes, depth - first), shape_.block.out_channels,
                  1, depth},
                 to);
  }

  // Gradients of those filters and of the block's gates.
  void projection_weights(std::int64_t block) {
    constexpr std::int64_t kRun = 256;  // with dprojected in the first-level cache
    const std::int64_t lanes = kernels_.lanes, out_channels = shape_.block.out_channels;
    const std::int64_t out_blocks = lane_blocks(out_channels), pixels = planes_.filtered.pixels;
    const std::int64_t floats = out_blocks * lanes * lanes;
    const AlignedFloats weights(out_channels * lanes), products(floats), dweights(floats), y2(kRun * lanes);
    pack_projection(block, weights.data());
    for (std::int64_t clip = 0; clip < shape_.clips; ++clip) {
      std::fill_n(products.data(), floats, 0.0f);
      for (std::int64_t first = 0; first < pixels; first += kRun) {
        const std::int64_t count = std::min(kRun, pixels - first);
        kernels_.norm.activate(planes_.filtered.at(block, clip, first), planes_.filter_norm.lanes_of(block), nullptr,
                               count, y2.data());
        for (std::int64_t n = 0; n < out_blocks; ++n) {
          kernels_.gradient.outer_products(dprojected_.at(n, clip, first), y2.data(), count,
                                           products.data() + n * lanes * lanes);
        }
      }
      kernels_.gradient.gate_gradient(weights.data(), products.data(), planes_.gates.at(block, 0, clip), out_channels,
                                      dweights.data(), gate_gradients_.at(block, 0, clip));
    }
    const std::int64_t depth = shape_.block.expanded_channels, first = block * lanes;
    unpack_tile(dweights.data(), out_channels, std::min(lanes, depth - first), depth,
                gradients_.project.filters + first);
  }

  // Gradients of one dense layer's tensors, from dout of all its channels.
  void dense_weights(const Planes<float>& dout, std::int64_t channels, const Planes<float>& in, std::int64_t depth,
                     const DenseGradients& gradients) {
    const std::int64_t lanes = kernels_.lanes;
    for (std::int64_t n = 0; n < channels; n += lanes) {
      const std::int64_t rows = std::min(lanes, channels - n);
      for (std::int64_t k = 0; k < depth; k += lanes) {
        alignas(64) float tile[16 * 16] = {};
        kernels_.gradient.outer_products(dout.at(n / lanes), in.at(k / lanes), shape_.clips, tile);
        unpack_tile(tile, rows, std::min(lanes, depth - k), depth, gradients.weight + n * depth + k);
      }
      for (std::int64_t lane = 0; lane < rows; ++lane) {
        double sum = 0;
        for (std::int64_t clip = 0; clip < shape_.clips; ++clip) sum += dout.at(n / lanes, 0, clip)[lane];
        gradients.bias[n + lane] = static_cast<float>(sum);
      }
    }
  }

  void dense_input(const Planes<float>& dout, std::int64_t channels, const float* weight, std::int64_t depth,
                   const Planes<float>& din) {
    const std::int64_t blocks = lane_blocks(depth);
    const AlignedFloats weights(blocks * channels * kernels_.lanes);
    pack_weights({weight, depth, channels, 1, depth}, weights.data());
    multiply({dout.data, dout.block_floats(), channels, weights.data(), nullptr, nullptr, din.data, din.block_floats(),
              Activation::kNone},
             blocks, shape_.clips);
  }

  // From dgate to the part of dy2 that comes through the mean.
  void squeeze_and_excite() {
    const Block& sizes = shape_.block;
    const std::int64_t gates = planes_.expanded_blocks * planes_.gates.block_floats();
    const std::int64_t squeezed = planes_.squeezed_blocks * planes_.squeezed.block_floats();
    for (std::int64_t i = 0; i < gates; ++i) {
      const float gate = planes_.gates.data[i];
      gate_gradients_.data[i] *= gate * (1 - gate);
    }
    const AlignedFloats memory(2 * squeezed);
    const Planes<float> activated{memory.data(), 1, shape_.clips, kernels_.lanes};
    const Planes<float> dsqueezed{memory.data() + squeezed, 1, shape_.clips, kernels_.lanes};
    dense_input(gate_gradients_, sizes.expanded_channels, tensors_.excite.weight, sizes.squeezed_channels, dsqueezed);
    for (std::int64_t i = 0; i < squeezed; ++i) {
      const float z = planes_.squeezed.data[i], s = 1 / (1 + std::exp(-z));
      activated.data[i] = z * s;
      dsqueezed.data[i] *= s + z * s * (1 - s);
    }
    dense_weights(gate_gradients_, sizes.expanded_channels, activated, sizes.squeezed_channels, gradients_.excite);
    dense_weights(dsqueezed, sizes.squeezed_channels, planes_.pooled, sizes.expanded_channels, gradients_.squeeze);
    dense_input(dsqueezed, sizes.squeezed_channels, tensors_.squeeze.weight, sizes.expanded_channels, offsets_);
    const float of_pixel = 1 / static_cast<float>(planes_.filtered.pixels);
    for (std::int64_t i = 0; i < gates; ++i) offsets_.data[i] *= of_pixel;
  }

  // dz2 of one block: the projection's input gradient through gate and SiLU.
  void gated_block(std::int64_t block, const Workers& clip_workers, const Planes<float>& dz, ClipGradients& sums) {
    const std::int64_t channels = shape_.block.out_channels;
    const AlignedFloats weights(channels * kernels_.lanes);
    pack_projection(block, weights.data());
    clip_workers.for_each(shape_.clips, [&](std::int64_t clip, int) {
      for_each_summed_run(dz.pixels, [&](std::int64_t first, std::int64_t pixels) {
        float* const plane = dz.at(0, clip, first);
        multiply({dprojected_.at(0, clip, first), dprojected_.block_floats(), channels, weights.data(), nullptr,
                  nullptr, plane, 0, Activation::kNone},
                 1, pixels);
        sums.add_silu(clip, plane, planes_.filtered.at(block, clip, first), pixels, planes_.filter_norm.lanes_of(block),
                      planes_.gates.at(block, 0, clip), offsets_.at(block, 0, clip));
      });
    });
  }

  // From dprojected to dexpanded of one block, in dy1.
  void filtered_block(std::int64_t block, const Workers& clip_workers, const Planes<float>& dy1) {
    const Block& sizes = shape_.block;
    const AlignedFloats dz_memory(planes_.filtered.block_floats(), AlignedFloats::Unset{});
    const Planes<float> dz{dz_memory.data(), shape_.clips, planes_.filtered.pixels, kernels_.lanes};
    ClipGradients filtered_sums(shape_.clips), expanded_sums(shape_.clips);
    gated_block(block, clip_workers, dz, filtered_sums);
    float rows[3 * 16];
    const NormGradientLanes norm =
        filtered_sums.finish(planes_.filter_norm, block, shape_.clips * dz.pixels, sizes.expanded_channels,
                             gradients_.depthwise.weight, gradients_.depthwise.bias, rows);
    DepthwiseGradient depthwise(shape_, tensors_.depthwise.filters, block, clip_workers.count);
    clip_workers.for_each(shape_.clips, [&](std::int64_t clip, int worker) {
      DepthwiseGradient::Memory& memory = depthwise.memory(worker);
      fill_input(shape_, planes_, in_.data, block, clip, memory.in);
      const std::int64_t row_floats = shape_.out().columns * kernels_.lanes;
      memory.dout.fill([&](std::int64_t y, float* row) {
        kernels_.norm.norm_gradient(dz.at(0, clip) + y * row_floats, planes_.filtered.at(block, clip) + y * row_floats,
                                    norm, shape_.out().columns, row);
      });
      depthwise.run(clip, memory, dy1.at(block, clip));
      if (sizes.expands()) {
        expanded_sums.add_silu(clip, dy1.at(block, clip), planes_.expanded.at(block, clip), dy1.pixels,
                               planes_.expand_norm.lanes_of(block));
      }
    });
    depthwise.write_weights(gradients_.depthwise.filters);
    if (sizes.expands()) {
      differentiate_block(dy1, planes_.expanded, planes_.expand_norm, expanded_sums, in_, sizes.in_channels,
                          sizes.expanded_channels, block, gradients_.expand);
    }
  }

  const InvertedResidualShape& shape_;
  const InvertedResidualTensors& tensors_;
  const Planes<const float> in_;
  const Team& team_;
  const InvertedResidualGradients& gradients_;
  const InvertedResidualPlanes planes_;
  const TrainingKernels& kernels_ = training_kernels();
  const AlignedFloats gate_memory_;
  const Planes<float> gate_gradients_;
  const Planes<float> offsets_;
  Planes<float> dprojected_{};
};

}  // namespace

void inverted_residual_gradient(const InvertedResidualShape& shape, const InvertedResidualTensors& tensors,
                                const float* in, const InvertedResidualState& state, const float* dout,
                                const Team& team, float* memory, const InvertedResidualGradients& gradients,
                                float* din) {
  Backward(shape, tensors, in, state, team, gradients).run(dout, memory, din);
}

}  // namespace singerprint
