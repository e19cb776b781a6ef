#include "nn/efficientnet.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/silu.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "core/cache.h"
#include "core/check.h"
#include "core/precompiled.h"
#include "nn/efficientnet_inference.h"
#include "nn/efficientnet_layout.h"
#include "nn/efficientnet_training.h"

namespace singerprint {
namespace {

constexpr const char* kOp = "efficientnet_b0";

void check_spectrograms(const at::Tensor& spectrograms, bool training) {
  TORCH_CHECK_VALUE(spectrograms.dim() == 4, kOp,
                    ": spectrograms must have shape (batch, channels, mels, frames), got ", spectrograms.sym_sizes());
  TORCH_CHECK_TYPE(spectrograms.is_floating_point(), kOp, ": spectrograms must have a floating point dtype, got ",
                   spectrograms.scalar_type());
  const c10::SymInt batch = spectrograms.sym_size(0), mels = spectrograms.sym_size(2),
                    frames = spectrograms.sym_size(3);
  TORCH_CHECK_VALUE(batch > 0 && mels > 0 && frames > 0, kOp,
                    ": spectrograms must hold at least one clip, mel and frame, got ", spectrograms.sym_sizes());
  // A batch norm cannot take the variance of one value.
  TORCH_CHECK_VALUE(!training || batch > 1 || mels > kTotalStride || frames > kTotalStride, kOp,
                    ": spectrograms must have more than ", kTotalStride,
                    " mels or frames to train on a single clip, got ", spectrograms.sym_sizes());
}

void check_tensor(const TensorLayout& layout, const at::Tensor& tensor, const at::Tensor& spectrograms, bool autocast) {
  const char* name = layout.name.c_str();
  TORCH_CHECK_VALUE(tensor.sym_sizes() == c10::fromIntArrayRefSlow(layout.shape), kOp, ": ", name, " must have shape ",
                    at::IntArrayRef(layout.shape), ", got ", tensor.sym_sizes());
  if (!autocast) check_dtype(kOp, name, tensor, spectrograms.scalar_type());
  check_same_device(kOp, name, tensor, spectrograms);
}

void check_arguments(const at::Tensor& spectrograms, at::TensorList parameters, at::TensorList running_statistics,
                     bool training, double momentum, double eps) {
  check_spectrograms(spectrograms, training);
  TORCH_CHECK_VALUE(momentum >= 0 && momentum <= 1, kOp, ": momentum must lie in [0, 1], got ", momentum);
  TORCH_CHECK_VALUE(eps > 0, kOp, ": eps must be positive, got ", eps);
  const bool has_linear = !parameters.empty() && parameters.back().dim() == 1 && parameters.back().size(0) > 0;
  const std::int64_t embedding_dim = has_linear ? parameters.back().size(0) : 1;
  const bool has_stem = !parameters.empty() && parameters.front().dim() == 4 && parameters.front().size(1) > 0;
  const std::int64_t in_channels = has_stem ? parameters.front().size(1) : 1;
  static Cache<std::pair<std::int64_t, std::int64_t>, std::vector<TensorLayout>> layouts(8);
  const auto shared_layout = layouts.get({in_channels, embedding_dim}, [&] {
    return std::make_shared<const std::vector<TensorLayout>>(efficientnet_b0_layout(in_channels, embedding_dim));
  });
  const std::vector<TensorLayout>& layout = *shared_layout;

  const auto is_parameter = [](const TensorLayout& tensor) { return tensor.is_parameter(); };
  const auto is_statistic = [](const TensorLayout& tensor) {
    return tensor.kind == TensorKind::kRunningMean || tensor.kind == TensorKind::kRunningVar;
  };
  const auto count = [&](const auto& predicate) {
    return static_cast<std::size_t>(std::count_if(layout.begin(), layout.end(), predicate));
  };
  TORCH_CHECK_VALUE(parameters.size() == count(is_parameter), kOp, ": parameters must be ", count(is_parameter),
                    " tensors, got ", parameters.size());
  TORCH_CHECK_VALUE(running_statistics.size() == count(is_statistic), kOp, ": running_statistics must be ",
                    count(is_statistic), " tensors, got ", running_statistics.size());
  const at::DeviceType device = spectrograms.device().type();
  const bool autocast = at::autocast::is_autocast_available(device) && at::autocast::is_autocast_enabled(device);
  auto parameter = parameters.begin();
  auto statistic = running_statistics.begin();
  for (const TensorLayout& tensor : layout) {
    if (is_parameter(tensor)) check_tensor(tensor, *parameter++, spectrograms, autocast);
    if (is_statistic(tensor)) check_tensor(tensor, *statistic++, spectrograms, autocast);
  }
  TORCH_CHECK_VALUE(spectrograms.sym_size(1) == in_channels, kOp,
                    ": spectrograms must have shape (batch, channels, mels, frames) with channels = ", in_channels,
                    ", got ", spectrograms.sym_sizes());
}

// SiLU of a tensor that nobody else reads: in place, unless autograd would have to keep a copy of it anyway.
at::Tensor silu_of_own(at::Tensor input) { return input.requires_grad() ? at::silu(input) : at::silu_(input); }

// Walks through the tensors in the order of the layout, which is the order of computation.
class Network {
 public:
  Network(at::TensorList parameters, at::TensorList running_statistics, bool training, double momentum, double eps)
      : parameter_(parameters.begin()),
        statistic_(running_statistics.begin()),
        last_statistic_(running_statistics.end()),
        training_(training),
        momentum_(momentum),
        eps_(eps),
        folds_(!training && !(at::GradMode::is_enabled() &&
                              std::any_of(parameters.begin(), parameters.end(),
                                          [](const at::Tensor& parameter) { return parameter.requires_grad(); }))) {}

  at::Tensor features(const at::Tensor& spectrograms) {
    // channels_last: oneDNN's and cuDNN's depthwise and 1 x 1 convolutions are fastest in it, and it stays to the end.
    // clone, not contiguous: a single channel counts as contiguous in every format, and would be taken for NCHW.
    at::Tensor features = spectrograms.clone(at::MemoryFormat::ChannelsLast);
    features = silu_of_own(convolution(features, 2, 1));
    for (const Stage& stage : kEfficientNetB0Stages) {
      for (int layer = 0; layer < stage.layers; ++layer) features = block(features, block_of(stage, layer));
    }
    return silu_of_own(convolution(features, 1, 1));
  }

 private:
  const at::Tensor& next_parameter() { return *parameter_++; }
  at::Tensor next_statistic() { return statistic_ == last_statistic_ ? at::Tensor() : *statistic_++; }

  // A convolution of "same" padding and its batch norm.
  at::Tensor convolution(const at::Tensor& input, std::int64_t stride, std::int64_t groups) {
    const at::Tensor& filters = next_parameter();
    const at::Tensor& weight = next_parameter();
    const at::Tensor& bias = next_parameter();
    const at::Tensor mean = next_statistic(), variance = next_statistic();
    // Both numbers of each are written out: exporters pass what stands here on.
    const std::int64_t strides[] = {stride, stride}, dilations[] = {1, 1};
    const std::int64_t padding[] = {filters.size(2) / 2, filters.size(3) / 2};
    if (!folds_) {
      const at::Tensor output = at::conv2d(input, filters, {}, strides, padding, dilations, groups);
      return at::batch_norm(output, weight, bias, mean, variance, training_, momentum_, eps_, /*cudnn_enabled=*/true);
    }
    // With fixed statistics the batch norm is a scale and a shift of the filters: it saves a pass over every output.
    // At least in float32: the rounding of a half-precision scale would come on top of that of the filters.
    const at::Tensor wide_variance = variance.to(at::promote_types(variance.scalar_type(), at::kFloat));
    const at::Tensor scale = weight * (wide_variance + eps_).rsqrt();
    const at::Tensor shift = bias - mean * scale;
    const at::Tensor folded = filters * scale.view({-1, 1, 1, 1});
    return at::conv2d(input, folded.to(filters.scalar_type()), shift.to(filters.scalar_type()), strides, padding,
                      dilations, groups);
  }

  // input * sigmoid(fc2(silu(fc1(mean of input)))), one gate a channel; on single pixels a 1 x 1 convolution is a
  // matrix product, without the convolution's set-up.
  at::Tensor squeeze_excitation(const at::Tensor& input) {
    at::Tensor gate = input.mean({2, 3});  // (batch, expanded channels)
    for (int layer = 0; layer < 2; ++layer) {
      const at::Tensor& weight = next_parameter();
      gate = at::linear(gate, weight.flatten(1), next_parameter());
      gate = layer == 0 ? silu_of_own(gate) : gate.sigmoid();
    }
    gate = gate.unsqueeze(-1).unsqueeze(-1);
    return input.requires_grad() ? input * gate : input.mul_(gate);
  }

  at::Tensor block(const at::Tensor& input, const Block& block) {
    at::Tensor output = block.expands() ? silu_of_own(convolution(input, 1, 1)) : input;
    output = silu_of_own(convolution(output, block.stride, block.expanded_channels));
    output = squeeze_excitation(output);
    output = convolution(output, 1, 1);
    return block.has_shortcut() ? output.add_(input) : output;
  }

  const at::Tensor* parameter_;
  const at::Tensor* statistic_;
  const at::Tensor* last_statistic_;
  bool training_;
  double momentum_;
  double eps_;
  bool folds_;
};

}  // namespace

at::Tensor efficientnet_b0(const at::Tensor& spectrograms, at::TensorList parameters, at::TensorList running_statistics,
                           bool training, double momentum, double eps) {
  check_arguments(spectrograms, parameters, running_statistics, training, momentum, eps);
  if (!training && infers_natively(spectrograms, parameters, running_statistics)) {
    return efficientnet_b0_inference(spectrograms, parameters, running_statistics, eps);
  }
  const at::Tensor features =
      training && trains_natively(spectrograms, parameters, running_statistics)
          ? trained_features(spectrograms, parameters.slice(0, parameters.size() - 2), running_statistics, momentum,
                             eps)
          : efficientnet_b0_features(spectrograms, parameters, running_statistics, training, momentum, eps);
  const at::Tensor pooled = features.mean({2, 3});  // (batch, 1280)
  return at::linear(pooled, parameters[parameters.size() - 2], parameters.back());
}

at::Tensor efficientnet_b0_features(const at::Tensor& spectrograms, at::TensorList parameters,
                                    at::TensorList running_statistics, bool training, double momentum, double eps) {
  return Network(parameters, running_statistics, training, momentum, eps).features(spectrograms);
}

// One function for every device and for autograd: where it must be more than embeddings on a CPU, it is made of
// PyTorch's operators, which each know theirs.
TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def(
      "efficientnet_b0(Tensor spectrograms, Tensor[] parameters, Tensor(a!)[] running_statistics, bool training, "
      "float momentum, float eps) -> Tensor",
      &efficientnet_b0);
}

}  // namespace singerprint
