#include "nn/trained_convolution.h"

#include "dsp/aligned_floats.h"

namespace singerprint {

std::int64_t cached_pixels(std::int64_t blocks) {
  constexpr std::int64_t kCachedFloats = std::int64_t{3} << 15;  // 384 KiB
  constexpr std::int64_t kTile = 12;
  const std::int64_t pixels = kCachedFloats / (blocks * training_kernels().lanes);
  return std::clamp<std::int64_t>(pixels / kTile * kTile, kTile, 21 * kTile);
}

void convolve_block(const Planes<const float>& in, std::int64_t depth, const ConvolutionTensors& tensors,
                    std::int64_t block, const Workers& clip_workers, const Planes<float>& x, const FittedNorm& fitted) {
  const std::int64_t lanes = x.lanes, first = block * lanes;
  const AlignedFloats weights(depth * lanes);
  pack_weights({tensors.filters + first * depth, std::min(lanes, tensors.norm.channels - first), depth, depth, 1},
               weights.data());
  ClipMoments moments(x.clips);
  clip_workers.for_each(x.clips, [&](std::int64_t clip, int) {
    for_each_summed_run(x.pixels, [&](std::int64_t pixel, std::int64_t pixels) {
      float* const out = x.at(block, clip, pixel);
      multiply({in.at(0, clip, pixel), in.block_floats(), depth, weights.data(), nullptr, nullptr, out, 0,
                Activation::kNone},
               1, pixels);
      moments.add(clip, out, pixels);
    });
  });
  moments.fit(tensors.norm, block, fitted);
}

void differentiate_block(const Planes<float>& dz, const Planes<const float>& x, const FittedNorm& fitted,
                         const ClipGradients& sums, const Planes<const float>& in, std::int64_t depth,
                         std::int64_t channels, std::int64_t block, const ConvolutionGradients& gradients) {
  const TrainingKernels& kernels = training_kernels();
  const std::int64_t lanes = x.lanes, in_blocks = lane_blocks(depth), tile = lanes * lanes;
  float rows[3 * 16];
  const NormGradientLanes norm =
      sums.finish(fitted, block, x.clips * x.pixels, channels, gradients.weight, gradients.bias, rows);
  const AlignedFloats tiles(in_blocks * tile);
  for_each_summed_run(x.clips * x.pixels, [&](std::int64_t pixel, std::int64_t pixels) {
    float* const dx = dz.at(block, 0, pixel);
    kernels.norm.norm_gradient(dx, x.at(block, 0, pixel), norm, pixels, dx);
    for (std::int64_t k = 0; k < in_blocks; ++k) {
      kernels.gradient.outer_products(dx, in.at(k, 0, pixel), pixels, tiles.data() + k * tile);
    }
  });
  const std::int64_t first = block * lanes;
  for (std::int64_t k = 0; k < in_blocks; ++k) {
    unpack_tile(tiles.data() + k * tile, std::min(lanes, channels - first), std::min(lanes, depth - k * lanes), depth,
                gradients.filters + first * depth + k * lanes);
  }
}

void differentiate_input(const Planes<float>& dx, const float* filters, std::int64_t depth, std::int64_t channels,
                         const float* residual, const Team& team, const Planes<float>& din) {
  const std::int64_t in_blocks = lane_blocks(depth);
  const AlignedFloats weights(in_blocks * channels * dx.lanes);
  pack_weights({filters, depth, channels, 1, depth}, weights.data());
  team.for_each_run(dx.clips, dx.pixels, cached_pixels(lane_blocks(channels)),
                    [&](std::int64_t clip, std::int64_t first, std::int64_t pixels, int) {
                      float* const out = din.at(0, clip, first);
                      multiply({dx.at(0, clip, first), dx.block_floats(), channels, weights.data(), nullptr,
                                residual == nullptr ? nullptr : residual + (out - din.data), out, din.block_floats(),
                                Activation::kNone},
                               in_blocks, pixels);
                    });
}

void activated_convolution(const Planes<const float>& in, std::int64_t depth, const ConvolutionTensors& tensors,
                           const Team& team, const Planes<float>& x, const FittedNorm& fitted, const Planes<float>& y) {
  team.for_each_block(lane_blocks(tensors.norm.channels), [&](std::int64_t block, const Workers& clip_workers, int) {
    convolve_block(in, depth, tensors, block, clip_workers, x, fitted);
    clip_workers.for_each(x.clips, [&](std::int64_t clip, int) {
      training_kernels().norm.activate(x.at(block, clip), fitted.lanes_of(block), nullptr, x.pixels, y.at(block, clip));
    });
  });
}

void activated_convolution_gradient(const Planes<float>& dy, const Planes<const float>& x, const FittedNorm& fitted,
                                    const Planes<const float>& in, std::int64_t depth, std::int64_t channels,
                                    const Team& team, const ConvolutionGradients& gradients) {
  team.for_each_block(lane_blocks(channels), [&](std::int64_t block, const Workers& clip_workers, int) {
    ClipGradients sums(x.clips);
    clip_workers.for_each(x.clips, [&](std::int64_t clip, int) {
      sums.add_silu(clip, dy.at(block, clip), x.at(block, clip), x.pixels, fitted.lanes_of(block));
    });
    differentiate_block(dy, x, fitted, sums, in, depth, channels, block, gradients);
  });
}

}  // namespace singerprint
