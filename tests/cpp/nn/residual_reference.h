// An inverted residual in double, from its definition, and tensors to run it with.
#pragma once
#include <cmath>
#include <vector>

#include "nn/inverted_residual.h"
#include "training_values.h"

namespace singerprint {

using Doubles = std::vector<double>;

struct ResidualCase {
  InvertedResidualShape shape;
  std::vector<float> residual_scale;  // (clips,), or empty for none
};

// Everything that a block takes but residual_scale: expand, depthwise (filters, weight, bias each), squeeze, excite
// (weight, bias), project, and last its input, (clips, channels, pixels).
struct ResidualValues {
  InvertedResidualShape shape;
  std::vector<std::vector<float>> tensors;

  explicit ResidualValues(const InvertedResidualShape& its) : shape(its) {
    const Block& block = shape.block;
    const std::int64_t expanded = block.expanded_channels;
    const auto add = [&](std::int64_t count, std::int64_t depth) {
      tensors.push_back(normal_floats(count * depth));
      for (float& value : tensors.back()) value /= std::sqrt(static_cast<float>(depth));
    };
    const auto add_convolution = [&](std::int64_t channels, std::int64_t depth) {
      add(channels, depth);
      add(channels, 1);
      add(channels, 1);
    };
    add_convolution(block.expands() ? expanded : 0, block.in_channels);
    add_convolution(expanded, block.kernel * block.kernel);
    add(block.squeezed_channels, expanded);
    add(block.squeezed_channels, 1);
    add(expanded, block.squeezed_channels);
    add(expanded, 1);
    add_convolution(block.out_channels, expanded);
    tensors.push_back(normal_floats(shape.clips * block.in_channels * shape.in.pixels()));
  }
};

class ResidualReference {
 public:
  static constexpr double kEps = 1e-3;

  ResidualReference(const ResidualCase& of, const std::vector<Doubles>& tensors)
      : shape_(of.shape), residual_scale_(of.residual_scale), tensors_(tensors) {}

  // (clips, channels, pixels)
  Doubles run() const {
    const Block& block = shape_.block;
    const std::int64_t expanded = block.expanded_channels, pixels = shape_.out().pixels();
    Doubles y = tensors_.back();
    if (block.expands()) y = silu(norm(product(y, block.in_channels, expanded, shape_.in.pixels(), 0), expanded, 0));
    y = silu(norm(depthwise(y), expanded, 3));
    gate(y, pixels);
    y = norm(product(y, expanded, block.out_channels, pixels, 10), block.out_channels, 10);
    if (block.has_shortcut()) {
      for (std::size_t i = 0; i < y.size(); ++i) {
        if (!residual_scale_.empty()) y[i] *= residual_scale_[i / (y.size() / shape_.clips)];
        y[i] += tensors_.back()[i];
      }
    }
    return y;
  }

 private:
  static double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }
  static Doubles silu(Doubles values) {
    for (double& value : values) value *= sigmoid(value);
    return values;
  }

  Doubles product(const Doubles& in, std::int64_t depth, std::int64_t channels, std::int64_t pixels, int at) const {
    Doubles out(shape_.clips * channels * pixels);
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(out.size()); ++i) {
      const std::int64_t p = i % pixels, n = i / pixels % channels, b = i / pixels / channels;
      for (std::int64_t k = 0; k < depth; ++k) out[i] += in[(b * depth + k) * pixels + p] * tensors_[at][n * depth + k];
    }
    return out;
  }

  Doubles norm(Doubles x, std::int64_t channels, int at) const {
    const std::int64_t pixels = static_cast<std::int64_t>(x.size()) / shape_.clips / channels;
    const double count = static_cast<double>(shape_.clips * pixels);
    for (std::int64_t n = 0; n < channels; ++n) {
      const auto each = [&](auto visit) {
        for (std::int64_t i = 0; i < shape_.clips * pixels; ++i)
          visit(x[(i / pixels * channels + n) * pixels + i % pixels]);
      };
      double mean = 0, var = 0;
      each([&](double value) { mean += value / count; });
      each([&](double value) { var += (value - mean) * (value - mean) / count; });
      each([&](double& value) {
        value = (value - mean) / std::sqrt(var + kEps) * tensors_[at + 1][n] + tensors_[at + 2][n];
      });
    }
    return x;
  }

  Doubles depthwise(const Doubles& in) const {
    const Block& block = shape_.block;
    const Picture out = shape_.out();
    const std::int64_t taps = block.kernel * block.kernel, planes = shape_.clips * block.expanded_channels;
    Doubles result(planes * out.pixels());
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(result.size()) * taps; ++i) {
      const std::int64_t tap = i % taps, pixel = i / taps % out.pixels(), plane = i / taps / out.pixels();
      const std::int64_t y = pixel / out.columns * block.stride + tap / block.kernel - block.kernel / 2;
      const std::int64_t x = pixel % out.columns * block.stride + tap % block.kernel - block.kernel / 2;
      if (y < 0 || y >= shape_.in.rows || x < 0 || x >= shape_.in.columns) continue;
      result[i / taps] += in[plane * shape_.in.pixels() + y * shape_.in.columns + x] *
                          tensors_[3][plane % block.expanded_channels * taps + tap];
    }
    return result;
  }

  void gate(Doubles& y, std::int64_t pixels) const {
    const std::int64_t channels = shape_.block.expanded_channels, squeezed = shape_.block.squeezed_channels;
    for (std::int64_t b = 0; b < shape_.clips; ++b) {
      Doubles mean(channels), hidden(tensors_[7]);
      for (std::int64_t i = 0; i < channels * pixels; ++i) {
        mean[i / pixels] += y[b * channels * pixels + i] / static_cast<double>(pixels);
      }
      for (std::int64_t i = 0; i < squeezed * channels; ++i)
        hidden[i / channels] += tensors_[6][i] * mean[i % channels];
      hidden = silu(hidden);
      for (std::int64_t n = 0; n < channels; ++n) {
        double z = tensors_[9][n];
        for (std::int64_t s = 0; s < squeezed; ++s) z += tensors_[8][n * squeezed + s] * hidden[s];
        for (std::int64_t p = 0; p < pixels; ++p) y[(b * channels + n) * pixels + p] *= sigmoid(z);
      }
    }
  }

  const InvertedResidualShape& shape_;
  const std::vector<float>& residual_scale_;
  const std::vector<Doubles>& tensors_;
};

// The same through the kernels.
struct NativeResidual {
  ResidualValues values;
  std::vector<float> residual_scale;
  std::vector<float> expanded = std::vector<float>(values.shape.expanded_floats());
  std::vector<float> filtered = std::vector<float>(values.shape.filtered_floats());
  std::vector<float> projected = std::vector<float>(values.shape.out_floats());
  std::vector<float> small = std::vector<float>(values.shape.small_floats());
  std::vector<float> running = std::vector<float>(4096);
  OwnPlanes in{values.shape.block.in_channels, values.shape.clips, values.shape.in.pixels()};
  OwnPlanes out{values.shape.block.out_channels, values.shape.clips, values.shape.out().pixels()};

  explicit NativeResidual(const ResidualCase& of) : values(of.shape), residual_scale(of.residual_scale) {
    for (std::int64_t n = 0; n < in.channels; ++n) {
      for (std::int64_t b = 0; b < in.clips; ++b) {
        for (std::int64_t p = 0; p < in.pixels; ++p) {
          in.of(n, b, p) = values.tensors.back()[(b * in.channels + n) * in.pixels + p];
        }
      }
    }
  }

  InvertedResidualState state() { return {expanded.data(), filtered.data(), projected.data(), small.data()}; }

  InvertedResidualTensors tensors() {
    const Block& block = values.shape.block;
    const auto at = [&](int i) { return values.tensors[i].data(); };
    const auto convolution = [&](int i, std::int64_t channels) {
      return ConvolutionTensors{
          at(i), {at(i + 1), at(i + 2), running.data(), running.data() + 2048, channels, 0.1, ResidualReference::kEps}};
    };
    return {convolution(0, block.expanded_channels),
            convolution(3, block.expanded_channels),
            {at(6), at(7)},
            {at(8), at(9)},
            convolution(10, block.out_channels),
            residual_scale.empty() ? nullptr : residual_scale.data()};
  }

  void run(const Team& team) {
    inverted_residual(values.shape, tensors(), in.values.data(), team, state(), out.values.data());
  }
};

// Kernels and strides, with and without expansion and shortcut, one pixel, odd sizes, one clip; blocks with a shortcut
// also with scales of clips, as stochastic depth draws them.
inline std::vector<ResidualCase> residual_cases() {
  const std::vector<InvertedResidualShape> shapes{
      {{3, 1, 32, 32, 8, 16}, 2, {5, 7}},   {{3, 2, 16, 96, 4, 24}, 2, {6, 9}}, {{5, 2, 24, 144, 6, 40}, 3, {5, 4}},
      {{5, 1, 40, 240, 10, 40}, 2, {3, 3}}, {{3, 1, 24, 24, 6, 24}, 2, {4, 5}}, {{3, 1, 16, 96, 4, 16}, 5, {1, 1}},
      {{5, 2, 16, 96, 4, 24}, 1, {9, 2}},   {{3, 1, 8, 40, 3, 20}, 3, {2, 5}},  {{3, 1, 16, 32, 4, 16}, 2, {21, 26}},
      {{3, 1, 24, 24, 6, 24}, 3, {23, 25}},
  };
  std::vector<ResidualCase> cases;
  for (const InvertedResidualShape& shape : shapes) {
    cases.push_back({shape, {}});
    if (!shape.block.has_shortcut()) continue;
    cases.push_back(cases.back());
    for (std::int64_t clip = 0; clip < shape.clips; ++clip) {
      cases.back().residual_scale.push_back(clip % 2 == 0 ? 0.0f : 1.25f);
    }
  }
  return cases;
}

}  // namespace singerprint
