#include "nn/efficientnet.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/silu.h>

#include <algorithm>
#include <memory>
#include <string>
#include <tuple>

#include "core/cache.h"
#include "core/check.h"
#include "core/precompiled.h"
#include "nn/efficientnet_inference.h"
#include "nn/efficientnet_layout.h"
#include "nn/efficientnet_training.h"

namespace singerprint {
namespace {

void check_spectrograms(const char* op, const at::Tensor& spectrograms, bool training) {
  TORCH_CHECK_VALUE(spectrograms.dim() == 4, op, ": spectrograms must have shape (batch, channels, mels, frames), got ",
                    spectrograms.sym_sizes());
  TORCH_CHECK_TYPE(spectrograms.is_floating_point(), op, ": spectrograms must have a floating point dtype, got ",
                   spectrograms.scalar_type());
  const c10::SymInt batch = spectrograms.sym_size(0), mels = spectrograms.sym_size(2),
                    frames = spectrograms.sym_size(3);
  TORCH_CHECK_VALUE(batch > 0 && mels > 0 && frames > 0, op,
                    ": spectrograms must hold at least one clip, mel and frame, got ", spectrograms.sym_sizes());
  // A batch norm cannot take the variance of one value.
  TORCH_CHECK_VALUE(!training || batch > 1 || mels > kTotalStride || frames > kTotalStride, op,
                    ": spectrograms must have more than ", kTotalStride,
                    " mels or frames to train on a single clip, got ", spectrograms.sym_sizes());
}

void check_tensor(const char* op, const TensorLayout& layout, const at::Tensor& tensor, const at::Tensor& spectrograms,
                  bool autocast) {
  const char* name = layout.name.c_str();
  TORCH_CHECK_VALUE(tensor.sym_sizes() == c10::fromIntArrayRefSlow(layout.shape), op, ": ", name, " must have shape ",
                    at::IntArrayRef(layout.shape), ", got ", tensor.sym_sizes());
  if (!autocast) check_dtype(op, name, tensor, spectrograms.scalar_type());
  check_same_device(op, name, tensor, spectrograms);
}

// What the op of a variant takes: its tensors, with the linear layer or without.
struct Op {
  const EfficientNetVariant& variant;
  const char* name;
  bool embeds;
};

std::shared_ptr<const std::vector<TensorLayout>> layout_of(const Op& op, at::TensorList parameters) {
  const bool has_linear =
      op.embeds && !parameters.empty() && parameters.back().dim() == 1 && parameters.back().size(0) > 0;
  const std::int64_t embedding_dim = has_linear ? parameters.back().size(0) : 1;
  const bool has_stem = !parameters.empty() && parameters.front().dim() == 4 && parameters.front().size(1) > 0;
  const std::int64_t in_channels = has_stem ? parameters.front().size(1) : 1;
  static Cache<std::tuple<std::string, std::int64_t, std::int64_t>, std::vector<TensorLayout>> layouts(16);
  return layouts.get({op.name, in_channels, embedding_dim}, [&] {
    return std::make_shared<const std::vector<TensorLayout>>(
        op.embeds ? efficientnet_layout(op.variant, in_channels, embedding_dim)
                  : efficientnet_features_layout(op.variant, in_channels));
  });
}

// residual_scale and pooled_scale: (rows, columns), floating.
void check_scale(const char* op, const char* name, const std::optional<at::Tensor>& scale, const c10::SymInt& rows,
                 const c10::SymInt& columns, const at::Tensor& spectrograms) {
  if (!scale.has_value()) return;
  TORCH_CHECK_VALUE(scale->dim() == 2 && scale->sym_size(0) == rows && scale->sym_size(1) == columns, op, ": ", name,
                    " must have shape [", rows, ", ", columns, "], got ", scale->sym_sizes());
  TORCH_CHECK_TYPE(scale->is_floating_point(), op, ": ", name, " must have a floating point dtype, got ",
                   scale->scalar_type());
  check_same_device(op, name, *scale, spectrograms);
}

void check_arguments(const Op& op_of_variant, const at::Tensor& spectrograms, at::TensorList parameters,
                     at::TensorList running_statistics, bool training, double momentum, double eps) {
  const char* const op = op_of_variant.name;
  check_spectrograms(op, spectrograms, training);
  TORCH_CHECK_VALUE(momentum >= 0 && momentum <= 1, op, ": momentum must lie in [0, 1], got ", momentum);
  TORCH_CHECK_VALUE(eps > 0, op, ": eps must be positive, got ", eps);
  const auto shared_layout = layout_of(op_of_variant, parameters);
  const std::vector<TensorLayout>& layout = *shared_layout;

  const auto is_parameter = [](const TensorLayout& tensor) { return tensor.is_parameter(); };
  const auto is_statistic = [](const TensorLayout& tensor) {
    return tensor.kind == TensorKind::kRunningMean || tensor.kind == TensorKind::kRunningVar;
  };
  const auto count = [&](const auto& predicate) {
    return static_cast<std::size_t>(std::count_if(layout.begin(), layout.end(), predicate));
  };
  TORCH_CHECK_VALUE(parameters.size() == count(is_parameter), op, ": parameters must be ", count(is_parameter),
                    " tensors, got ", parameters.size());
  TORCH_CHECK_VALUE(running_statistics.size() == count(is_statistic), op, ": running_statistics must be ",
                    count(is_statistic), " tensors, got ", running_statistics.size());
  const at::DeviceType device = spectrograms.device().type();
  const bool autocast = at::autocast::is_autocast_available(device) && at::autocast::is_autocast_enabled(device);
  auto parameter = parameters.begin();
  auto statistic = running_statistics.begin();
  for (const TensorLayout& tensor : layout) {
    if (is_parameter(tensor)) check_tensor(op, tensor, *parameter++, spectrograms, autocast);
    if (is_statistic(tensor)) check_tensor(op, tensor, *statistic++, spectrograms, autocast);
  }
  const std::int64_t in_channels = layout.front().shape[1];
  TORCH_CHECK_VALUE(spectrograms.sym_size(1) == in_channels, op,
                    ": spectrograms must have shape (batch, channels, mels, frames) with channels = ", in_channels,
                    ", got ", spectrograms.sym_sizes());
}

// SiLU of a tensor that nobody else reads: in place, unless autograd would have to keep a copy of it anyway.
at::Tensor silu_of_own(at::Tensor input) { return input.requires_grad() ? at::silu(input) : at::silu_(input); }

// Walks through the tensors in the order of the layout, which is the order of computation.
class Network {
 public:
  Network(const EfficientNetVariant& variant, at::TensorList parameters, at::TensorList running_statistics,
          bool training, double momentum, double eps, const std::optional<at::Tensor>& residual_scale)
      : variant_(variant),
        residual_scale_(residual_scale),
        parameter_(parameters.begin()),
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
    for (const Stage& stage : variant_.stages) {
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
    if (!block.has_shortcut()) return output;
    if (!residual_scale_.has_value()) return output.add_(input);
    const at::Tensor scale = residual_scale_->select(0, residual_block_++).to(output.scalar_type());
    return at::addcmul(input, output, scale.view({-1, 1, 1, 1}));
  }

  const EfficientNetVariant& variant_;
  const std::optional<at::Tensor>& residual_scale_;
  std::int64_t residual_block_ = 0;
  const at::Tensor* parameter_;
  const at::Tensor* statistic_;
  const at::Tensor* last_statistic_;
  bool training_;
  double momentum_;
  double eps_;
  bool folds_;
};

at::Tensor features_of(const EfficientNetVariant& variant, const at::Tensor& spectrograms, at::TensorList parameters,
                       at::TensorList running_statistics, bool training, double momentum, double eps,
                       const std::optional<at::Tensor>& residual_scale) {
  const bool is_native = training && trains_natively(spectrograms, parameters, running_statistics, residual_scale);
  return is_native
             ? trained_features(variant, spectrograms, parameters, running_statistics, momentum, eps, residual_scale)
             : features_by_operators(variant, spectrograms, parameters, running_statistics, training, momentum, eps,
                                     residual_scale);
}

}  // namespace

at::Tensor efficientnet(const EfficientNetVariant& variant, const at::Tensor& spectrograms, at::TensorList parameters,
                        at::TensorList running_statistics, bool training, double momentum, double eps,
                        const std::optional<at::Tensor>& residual_scale,
                        const std::optional<at::Tensor>& pooled_scale) {
  const Op op{variant, variant.name, /*embeds=*/true};
  check_arguments(op, spectrograms, parameters, running_statistics, training, momentum, eps);
  const c10::SymInt batch = spectrograms.sym_size(0);
  check_scale(op.name, "residual_scale", residual_scale, variant.residual_blocks(), batch, spectrograms);
  check_scale(op.name, "pooled_scale", pooled_scale, batch, variant.head_channels, spectrograms);
  if (!training && !residual_scale.has_value() && !pooled_scale.has_value() &&
      infers_natively(spectrograms, parameters, running_statistics)) {
    return efficientnet_inference(variant, spectrograms, parameters, running_statistics, eps);
  }
  const at::Tensor features = features_of(variant, spectrograms, parameters.slice(0, parameters.size() - 2),
                                          running_statistics, training, momentum, eps, residual_scale);
  at::Tensor pooled = features.mean({2, 3});  // (batch, head channels)
  if (pooled_scale.has_value()) pooled = pooled * pooled_scale->to(pooled.scalar_type());
  return at::linear(pooled, parameters[parameters.size() - 2], parameters.back());
}

at::Tensor efficientnet_features(const EfficientNetVariant& variant, const at::Tensor& spectrograms,
                                 at::TensorList parameters, at::TensorList running_statistics, bool training,
                                 double momentum, double eps, const std::optional<at::Tensor>& residual_scale) {
  const std::string name = std::string(variant.name) + "_features";
  const Op op{variant, name.c_str(), /*embeds=*/false};
  check_arguments(op, spectrograms, parameters, running_statistics, training, momentum, eps);
  check_scale(op.name, "residual_scale", residual_scale, variant.residual_blocks(), spectrograms.sym_size(0),
              spectrograms);
  if (!training && !residual_scale.has_value() && infers_natively(spectrograms, parameters, running_statistics)) {
    return efficientnet_features_inference(variant, spectrograms, parameters, running_statistics, eps);
  }
  return features_of(variant, spectrograms, parameters, running_statistics, training, momentum, eps, residual_scale);
}

at::Tensor features_by_operators(const EfficientNetVariant& variant, const at::Tensor& spectrograms,
                                 at::TensorList parameters, at::TensorList running_statistics, bool training,
                                 double momentum, double eps, const std::optional<at::Tensor>& residual_scale) {
  return Network(variant, parameters, running_statistics, training, momentum, eps, residual_scale)
      .features(spectrograms);
}

namespace {

constexpr const char* kArguments =
    "Tensor spectrograms, Tensor[] parameters, Tensor(a!)[] running_statistics, bool training, float momentum, "
    "float eps, Tensor? residual_scale=None";

// The two ops of a variant: `name` and `name`_features. One function for every device and for autograd: where it must
// be more than embeddings on a CPU, it is made of PyTorch's operators, which each know theirs.
template <const EfficientNetVariant& kVariant>
void define(torch::Library& library) {
  const std::string name = kVariant.name;
  library.def((name + "(" + kArguments + ", Tensor? pooled_scale=None) -> Tensor").c_str(),
              [](const at::Tensor& spectrograms, at::TensorList parameters, at::TensorList running_statistics,
                 bool training, double momentum, double eps, const std::optional<at::Tensor>& residual_scale,
                 const std::optional<at::Tensor>& pooled_scale) {
                return efficientnet(kVariant, spectrograms, parameters, running_statistics, training, momentum, eps,
                                    residual_scale, pooled_scale);
              });
  library.def((name + "_features(" + kArguments + ") -> Tensor").c_str(),
              [](const at::Tensor& spectrograms, at::TensorList parameters, at::TensorList running_statistics,
                 bool training, double momentum, double eps, const std::optional<at::Tensor>& residual_scale) {
                return efficientnet_features(kVariant, spectrograms, parameters, running_statistics, training, momentum,
                                             eps, residual_scale);
              });
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  define<kEfficientNetB0>(library);
  define<kEfficientNetB4>(library);
}

}  // namespace singerprint
