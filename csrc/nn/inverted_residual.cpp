#include "nn/inverted_residual.h"

#include <cmath>

#include "nn/inverted_residual_planes.h"

namespace singerprint {
namespace {

class Forward {
 public:
  Forward(const InvertedResidualShape& shape, const InvertedResidualTensors& tensors, const float* in, const Team& team,
          const InvertedResidualState& state)
      : shape_(shape),
        tensors_(tensors),
        in_{in, shape.clips, shape.in.pixels(), training_kernels().lanes},
        team_(team),
        planes_(shape, state) {}

  void run(float* out) {
    team_.for_each_block(planes_.expanded_blocks, [&](std::int64_t block, const Workers& clip_workers, int) {
      if (shape_.block.expands()) {
        convolve_block(in_, shape_.block.in_channels, tensors_.expand, block, clip_workers, planes_.expanded,
                       planes_.expand_norm);
      }
      filter_block(block, clip_workers);
      pool_block(block, clip_workers);
    });
    squeeze_and_excite();
    project();
    team_.for_each_block(
        lane_blocks(shape_.block.out_channels),
        [&](std::int64_t block, const Workers& clip_workers, int) { normalize_block(block, clip_workers, out); });
  }

 private:
  void filter_block(std::int64_t block, const Workers& clip_workers) {
    const Block& sizes = shape_.block;
    const std::int64_t lanes = kernels_.lanes, taps = sizes.kernel * sizes.kernel, first = block * lanes;
    const AlignedFloats weights(taps * lanes);
    pack_weights(
        {tensors_.depthwise.filters + first * taps, std::min(lanes, sizes.expanded_channels - first), taps, taps, 1},
        weights.data());
    ClipMoments moments(shape_.clips);
    std::vector<BorderedPlane> of_worker;
    for (int worker = 0; worker < clip_workers.count; ++worker) of_worker.emplace_back(shape_.in, sizes.kernel / 2);
    const Picture out = shape_.out();
    clip_workers.for_each(shape_.clips, [&](std::int64_t clip, int worker) {
      BorderedPlane& plane = of_worker[worker];
      fill_input(shape_, planes_, in_.data, block, clip, plane);
      float* const filtered = planes_.filtered.at(block, clip);
      kernels_.gradient.depthwise(
          {plane.data(), plane.row_floats(), filtered, out.columns * lanes, 1, out.rows, out.columns}, weights.data(),
          sizes.kernel, sizes.kernel, sizes.stride);
      for_each_summed_run(out.pixels(), [&](std::int64_t pixel, std::int64_t pixels) {
        moments.add(clip, filtered + pixel * lanes, pixels);
      });
    });
    moments.fit(tensors_.depthwise.norm, block, planes_.filter_norm);
  }

  void pool_block(std::int64_t block, const Workers& clip_workers) {
    clip_workers.for_each(shape_.clips, [&](std::int64_t clip, int) {
      const std::int64_t pixels = planes_.filtered.pixels;
      double total[16] = {};
      for_each_summed_run(pixels, [&](std::int64_t first, std::int64_t count) {
        float sum[16];
        kernels_.norm.sum_activated(planes_.filtered.at(block, clip, first), planes_.filter_norm.lanes_of(block), count,
                                    sum);
        for (std::int64_t lane = 0; lane < kernels_.lanes; ++lane) total[lane] += sum[lane];
      });
      float* const pooled = planes_.pooled.at(block, 0, clip);
      for (std::int64_t lane = 0; lane < kernels_.lanes; ++lane) {
        pooled[lane] = static_cast<float>(total[lane] / static_cast<double>(pixels));
      }
    });
  }

  // out = activation(in * weight + bias), a pixel a clip.
  void connect(const Planes<float>& in, std::int64_t depth, const DenseTensors& tensors, std::int64_t channels,
               Activation activation, const Planes<float>& out) {
    const std::int64_t blocks = lane_blocks(channels);
    const AlignedFloats weights(blocks * depth * kernels_.lanes), bias(blocks * kernels_.lanes);
    pack_weights({tensors.weight, channels, depth, depth, 1}, weights.data());
    std::copy_n(tensors.bias, channels, bias.data());
    multiply({in.data, in.block_floats(), depth, weights.data(), bias.data(), nullptr, out.data, out.block_floats(),
              activation},
             blocks, shape_.clips);
  }

  void squeeze_and_excite() {
    const Block& sizes = shape_.block;
    connect(planes_.pooled, sizes.expanded_channels, tensors_.squeeze, sizes.squeezed_channels, Activation::kNone,
            planes_.squeezed);
    const std::int64_t floats = planes_.squeezed_blocks * planes_.squeezed.block_floats();
    const AlignedFloats memory(floats);
    const Planes<float> activated{memory.data(), 1, shape_.clips, kernels_.lanes};
    for (std::int64_t i = 0; i < floats; ++i) {
      const float value = planes_.squeezed.data[i];
      memory.data()[i] = value / (1 + std::exp(-value));
    }
    connect(activated, sizes.squeezed_channels, tensors_.excite, sizes.expanded_channels, Activation::kSigmoid,
            planes_.gates);
  }

  void project() {
    const std::int64_t lanes = kernels_.lanes, depth = shape_.block.expanded_channels;
    const std::int64_t out_blocks = lane_blocks(shape_.block.out_channels),
                       most = cached_pixels(planes_.expanded_blocks);
    const AlignedFloats weights(out_blocks * depth * lanes);
    pack_weights({tensors_.project.filters, shape_.block.out_channels, depth, depth, 1}, weights.data());
    const std::int64_t panel_floats = planes_.expanded_blocks * most * lanes;
    const AlignedFloats panels(team_.count() * panel_floats, AlignedFloats::Unset{});
    team_.for_each_run(
        shape_.clips, planes_.filtered.pixels, most,
        [&](std::int64_t clip, std::int64_t first, std::int64_t pixels, int worker) {
          float* const panel = panels.data() + worker * panel_floats;
          for (std::int64_t block = 0; block < planes_.expanded_blocks; ++block) {
            kernels_.norm.activate(planes_.filtered.at(block, clip, first), planes_.filter_norm.lanes_of(block),
                                   planes_.gates.at(block, 0, clip), pixels, panel + block * most * lanes);
          }
          multiply({panel, most * lanes, depth, weights.data(), nullptr, nullptr, planes_.projected.at(0, clip, first),
                    planes_.projected.block_floats(), Activation::kNone},
                   out_blocks, pixels);
        });
  }

  void normalize_block(std::int64_t block, const Workers& clip_workers, float* out) {
    const Planes<float>& projected = planes_.projected;
    ClipMoments moments(shape_.clips);
    clip_workers.for_each(shape_.clips, [&](std::int64_t clip, int) {
      for_each_summed_run(projected.pixels, [&](std::int64_t first, std::int64_t pixels) {
        moments.add(clip, projected.at(block, clip, first), pixels);
      });
    });
    moments.fit(tensors_.project.norm, block, planes_.project_norm);
    clip_workers.for_each(shape_.clips, [&](std::int64_t clip, int) {
      const float* const plane = projected.at(block, clip);
      const std::int64_t at = plane - projected.data;
      float rows[2 * 16];
      kernels_.norm.normalize(plane, branch_norm(block, clip, rows),
                              shape_.block.has_shortcut() ? in_.data + at : nullptr, projected.pixels, out + at);
    });
  }

  // norm3, times the clip's residual_scale; rows: (2, lanes) for it.
  NormLanes branch_norm(std::int64_t block, std::int64_t clip, float* rows) const {
    const NormLanes norm = planes_.project_norm.lanes_of(block);
    if (tensors_.residual_scale == nullptr) return norm;
    for (std::int64_t lane = 0; lane < kernels_.lanes; ++lane) {
      rows[lane] = tensors_.residual_scale[clip] * norm.scale[lane];
      rows[kernels_.lanes + lane] = tensors_.residual_scale[clip] * norm.bias[lane];
    }
    return {norm.mean, rows, rows + kernels_.lanes};
  }

  const InvertedResidualShape& shape_;
  const InvertedResidualTensors& tensors_;
  const Planes<const float> in_;
  const Team& team_;
  const InvertedResidualPlanes planes_;
  const TrainingKernels& kernels_ = training_kernels();
};

}  // namespace

void inverted_residual(const InvertedResidualShape& shape, const InvertedResidualTensors& tensors, const float* in,
                       const Team& team, const InvertedResidualState& state, float* out) {
  Forward(shape, tensors, in, team, state).run(out);
}

}  // namespace singerprint
