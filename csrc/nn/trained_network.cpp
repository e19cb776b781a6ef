#include "nn/trained_network.h"

#include "dsp/aligned_floats.h"
#include "nn/training_pictures.h"

namespace singerprint {
namespace {

struct Layers {
  ConvolutionTensors stem;
  std::vector<InvertedResidualTensors> blocks;
  ConvolutionTensors head;
};

struct LayerGradients {
  ConvolutionGradients stem;
  std::vector<InvertedResidualGradients> blocks;
  ConvolutionGradients head;
  std::vector<std::size_t> ends;  // of each layer's parameters
};

Layers layers_of(const TrainedNetworkShape& shape, const TrainedNetworkTensors& tensors) {
  auto parameter = tensors.parameters.begin();
  auto statistic = tensors.running_statistics.begin();
  const float* residual_scale = tensors.residual_scale;
  const auto convolution = [&](std::int64_t channels) {
    const float* const filters = *parameter++;
    const float* const weight = *parameter++;
    const float* const bias = *parameter++;
    const bool updates = statistic != tensors.running_statistics.end();
    float* const mean = updates ? *statistic++ : nullptr;
    float* const var = updates ? *statistic++ : nullptr;
    return ConvolutionTensors{filters, {weight, bias, mean, var, channels, tensors.momentum, tensors.eps}};
  };
  const auto dense = [&] {
    const float* const weight = *parameter++;
    return DenseTensors{weight, *parameter++};
  };
  Layers layers{convolution(shape.variant.stem_channels), {}, {}};
  for (const InvertedResidualShape& of : shape.blocks()) {
    InvertedResidualTensors block{};
    if (of.block.expands()) block.expand = convolution(of.block.expanded_channels);
    block.depthwise = convolution(of.block.expanded_channels);
    block.squeeze = dense();
    block.excite = dense();
    block.project = convolution(of.block.out_channels);
    if (residual_scale != nullptr && of.block.has_shortcut()) {
      block.residual_scale = residual_scale;
      residual_scale += shape.clips;
    }
    layers.blocks.push_back(block);
  }
  layers.head = convolution(shape.variant.head_channels);
  return layers;
}

LayerGradients gradients_of(const TrainedNetworkShape& shape, const std::vector<float*>& parameters) {
  LayerGradients layers{};
  std::size_t next = 0;
  const auto convolution = [&] {
    next += 3;
    return ConvolutionGradients{parameters[next - 3], parameters[next - 2], parameters[next - 1]};
  };
  const auto dense = [&] {
    next += 2;
    return DenseGradients{parameters[next - 2], parameters[next - 1]};
  };
  layers.stem = convolution();
  layers.ends.push_back(next);
  for (const InvertedResidualShape& of : shape.blocks()) {
    InvertedResidualGradients block{};
    if (of.block.expands()) block.expand = convolution();
    block.depthwise = convolution();
    block.squeeze = dense();
    block.excite = dense();
    block.project = convolution();
    layers.blocks.push_back(block);
    layers.ends.push_back(next);
  }
  layers.head = convolution();
  return layers;
}

Planes<float> planes_of(float* data, std::int64_t clips, Picture size) {
  return {data, clips, size.pixels(), training_kernels().lanes};
}

std::int64_t plane_floats(std::int64_t blocks, std::int64_t clips, Picture size) {
  return blocks * clips * size.pixels() * training_kernels().lanes;
}

// The input of the stem, a product.
class Patches {
 public:
  Patches(const TrainedNetworkShape& shape, const float* spectrograms, const Team& team)
      : memory_(plane_floats(patch_blocks(shape.channels), shape.clips, shape.stem()), AlignedFloats::Unset{}),
        planes_(planes_of(memory_.data(), shape.clips, shape.stem())) {
    gather_patches(spectrograms, shape.channels, shape.spectrogram, team.workers(), planes_);
  }
  const Planes<float>& planes() const { return planes_; }

 private:
  AlignedFloats memory_;
  Planes<float> planes_;
};

std::int64_t patch_depth(const TrainedNetworkShape& shape) { return shape.channels * kStemKernel * kStemKernel; }

float* run_convolution(const Planes<const float>& in, std::int64_t depth, const ConvolutionTensors& tensors,
                       const Team& team, const KeptStates& kept) {
  const std::int64_t lanes = training_kernels().lanes, blocks = lane_blocks(tensors.norm.channels);
  const Planes<float> x{kept.take(blocks * in.block_floats()), in.clips, in.pixels, lanes};
  const FittedNorm norm{kept.take(blocks * kNormRows * lanes), lanes};
  const Planes<float> y{kept.take(blocks * in.block_floats()), in.clips, in.pixels, lanes};
  activated_convolution(in, depth, tensors, team, x, norm, y);
  return y.data;
}

// The gradient of run_convolution; dy becomes dx.
void differentiate_convolution(float* const* state, const Planes<const float>& in, std::int64_t depth,
                               std::int64_t channels, const Planes<float>& dy, const Team& team,
                               const ConvolutionGradients& gradients) {
  const Planes<const float> x{state[0], in.clips, in.pixels, in.lanes};
  activated_convolution_gradient(dy, x, {state[1], in.lanes}, in, depth, channels, team, gradients);
}

constexpr std::size_t kConvolutionStates = 3;
constexpr std::size_t kBlockStates = 5;

}  // namespace

Picture TrainedNetworkShape::stem() const { return spectrogram.strided(2); }

std::vector<InvertedResidualShape> TrainedNetworkShape::blocks() const {
  std::vector<InvertedResidualShape> shapes;
  for (const Stage& stage : variant.stages) {
    for (int layer = 0; layer < stage.layers; ++layer) {
      shapes.push_back({block_of(stage, layer), clips, shapes.empty() ? stem() : shapes.back().out()});
    }
  }
  return shapes;
}

Picture TrainedNetworkShape::features() const { return blocks().back().out(); }

void train_network(const TrainedNetworkShape& shape, const TrainedNetworkTensors& tensors, const float* spectrograms,
                   const Team& team, const KeptStates& kept, float* features) {
  const Layers layers = layers_of(shape, tensors);
  const std::vector<InvertedResidualShape> blocks = shape.blocks();
  const float* in =
      run_convolution(Patches(shape, spectrograms, team).planes(), patch_depth(shape), layers.stem, team, kept);
  kept.layer_ends();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    InvertedResidualState state{};
    state.expanded = kept.take(blocks[i].expanded_floats());
    state.filtered = kept.take(blocks[i].filtered_floats());
    state.projected = kept.take(blocks[i].out_floats());
    state.small = kept.take(blocks[i].small_floats());
    float* const out = kept.take(blocks[i].out_floats());
    inverted_residual(blocks[i], layers.blocks[i], in, team, state, out);
    kept.layer_ends();
    in = out;
  }
  const Planes<const float> last{in, shape.clips, shape.features().pixels(), training_kernels().lanes};
  const float* const activated = run_convolution(last, blocks.back().block.out_channels, layers.head, team, kept);
  pictures_of_planes({activated, last.clips, last.pixels, last.lanes}, shape.variant.head_channels, features);
  kept.layer_ends();
}

void train_network_gradient(const TrainedNetworkShape& shape, const TrainedNetworkTensors& tensors,
                            const float* spectrograms, const std::vector<float*>& states, const float* dfeatures,
                            const Team& team, const TrainedNetworkGradients& gradients) {
  const Layers layers = layers_of(shape, tensors);
  const LayerGradients to = gradients_of(shape, gradients.parameters);
  const std::vector<InvertedResidualShape> blocks = shape.blocks();
  std::int64_t most_floats = plane_floats(lane_blocks(shape.variant.head_channels), shape.clips, shape.features());
  std::int64_t most_expanded = 0;
  for (const InvertedResidualShape& block : blocks) {
    most_floats = std::max({most_floats, block.in_floats(), block.out_floats()});
    most_expanded = std::max(most_expanded, block.expanded_floats());
  }
  const AlignedFloats memory(2 * most_floats + most_expanded, AlignedFloats::Unset{});
  float *gradient = memory.data(), *next = gradient + most_floats;
  const auto is_wanted = [&](std::size_t end) {
    return gradients.spectrograms != nullptr || gradients.first_parameter < end;
  };

  const auto in_of = [&](std::size_t block) { return states[kConvolutionStates - 1 + block * kBlockStates]; };
  const Planes<float> dhead = planes_of(gradient, shape.clips, shape.features());
  planes_of_pictures(dfeatures, shape.variant.head_channels, dhead);
  const std::int64_t head_depth = blocks.back().block.out_channels;
  differentiate_convolution(states.data() + kConvolutionStates + blocks.size() * kBlockStates,
                            planes_of(in_of(blocks.size()), shape.clips, shape.features()), head_depth,
                            shape.variant.head_channels, dhead, team, to.head);
  if (!is_wanted(to.ends.back())) return;
  differentiate_input(dhead, layers.head.filters, head_depth, shape.variant.head_channels, nullptr, team,
                      planes_of(next, shape.clips, shape.features()));
  for (std::size_t i = blocks.size(); i-- > 0;) {
    std::swap(gradient, next);
    if (!is_wanted(to.ends[i + 1])) return;
    float* const* const state = states.data() + kConvolutionStates + i * kBlockStates;
    inverted_residual_gradient(blocks[i], layers.blocks[i], in_of(i), {state[0], state[1], state[2], state[3]},
                               gradient, team, memory.data() + 2 * most_floats, to.blocks[i], next);
  }
  if (!is_wanted(to.ends[0])) return;
  const Patches patches(shape, spectrograms, team);
  const Planes<float> dstem = planes_of(next, shape.clips, shape.stem());
  differentiate_convolution(states.data(), patches.planes(), patch_depth(shape), shape.variant.stem_channels, dstem,
                            team, to.stem);
  if (gradients.spectrograms == nullptr) return;
  differentiate_input(dstem, layers.stem.filters, patch_depth(shape), shape.variant.stem_channels, nullptr, team,
                      patches.planes());
  scatter_patches(patches.planes(), shape.channels, shape.spectrogram, team.workers(), gradients.spectrograms);
}

}  // namespace singerprint
