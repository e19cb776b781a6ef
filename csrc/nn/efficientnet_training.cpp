#include "nn/efficientnet_training.h"

#include <ATen/TensorSubclassLikeUtils.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/precompiled.h"
#include "dsp/aligned_floats.h"
#include "nn/all_threads.h"
#include "nn/efficientnet.h"
#include "nn/plain_tensor.h"
#include "nn/trained_network.h"

namespace singerprint {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Arguments that autograd does not look into.
struct Options {
  const EfficientNetVariant& variant;
  at::TensorList running_statistics;
  at::Tensor residual_scale;  // contiguous, in float32; undefined for none
  double momentum;
  double eps;
  bool keeps;  // what gradients need
};
constexpr std::size_t kOptions = 1;

TrainedNetworkShape shape_of(const EfficientNetVariant& variant, const at::Tensor& spectrograms) {
  return {variant, spectrograms.size(0), spectrograms.size(1), {spectrograms.size(2), spectrograms.size(3)}};
}

variable_list contiguous(at::TensorList tensors) {
  variable_list result;
  for (const at::Tensor& tensor : tensors) result.push_back(tensor.contiguous());
  return result;
}

std::vector<const float*> read_only(const variable_list& tensors) {
  std::vector<const float*> pointers;
  for (const at::Tensor& tensor : tensors) pointers.push_back(tensor.const_data_ptr<float>());
  return pointers;
}

const float* data_or_null(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr;
}

std::vector<float*> writable(at::TensorList tensors) {
  std::vector<float*> pointers;
  for (const at::Tensor& tensor : tensors) pointers.push_back(tensor.mutable_data_ptr<float>());
  return pointers;
}

// What the forward pass leaves for the backward pass.
struct Saved {
  const EfficientNetVariant& variant;
  double eps;
  at::Tensor spectrograms;
  at::Tensor residual_scale;  // undefined for none
  variable_list parameters;
  variable_list states;

  void save(AutogradContext* context) const {
    variable_list tensors{spectrograms, residual_scale};
    tensors.insert(tensors.end(), parameters.begin(), parameters.end());
    tensors.insert(tensors.end(), states.begin(), states.end());
    context->save_for_backward(std::move(tensors));
    context->saved_data["variant"] = std::string(variant.name);
    context->saved_data["eps"] = eps;
    context->saved_data["parameters"] = static_cast<std::int64_t>(parameters.size());
  }

  static Saved of(AutogradContext* context) {
    const variable_list tensors = context->get_saved_variables();
    const auto first_parameter = tensors.begin() + 2;
    const auto first_state = first_parameter + context->saved_data["parameters"].toInt();
    return {efficientnet_variant_named(context->saved_data["variant"].toStringRef()),
            context->saved_data["eps"].toDouble(),
            tensors[0],
            tensors[1],
            {first_parameter, first_state},
            {first_state, tensors.end()}};
  }

  bool is_plain() const {
    return !at::isTensorSubclassLike(spectrograms) &&
           !(residual_scale.defined() && at::isTensorSubclassLike(residual_scale)) &&
           !at::areAnyTensorSubclassLike(parameters) && !at::areAnyTensorSubclassLike(states);
  }
};

// By PyTorch's operators, of which autograd knows the derivatives: the gradients of the features, as a graph.
variable_list differentiable_gradients(const Saved& saved, const at::Tensor& dfeatures) {
  const c10::impl::ExcludeDispatchKeyGuard without_autocast(c10::autocast_dispatch_keyset);
  const auto& [variant, eps, spectrograms, scale, parameters, states] = saved;
  const std::optional<at::Tensor> residual_scale = scale.defined() ? std::optional(scale) : std::nullopt;
  const at::Tensor features =
      features_by_operators(variant, spectrograms, parameters, {}, true, 0.0, eps, residual_scale);
  variable_list inputs, gradients;
  const auto wanted = [](const at::Tensor& tensor) { return tensor.requires_grad(); };
  if (wanted(spectrograms)) inputs.push_back(spectrograms);
  std::copy_if(parameters.begin(), parameters.end(), std::back_inserter(inputs), wanted);
  const variable_list of_inputs = torch::autograd::grad({features}, inputs, {dfeatures}, /*retain_graph=*/true,
                                                        /*create_graph=*/true, /*allow_unused=*/true);
  auto next = of_inputs.begin();
  gradients.push_back(wanted(spectrograms) ? *next++ : at::Tensor());
  for (const at::Tensor& parameter : parameters) gradients.push_back(wanted(parameter) ? *next++ : at::Tensor());
  return gradients;
}

class TrainedFeatures : public torch::autograd::Function<TrainedFeatures> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& spectrograms, at::TensorList parameters,
                            const Options& options) {
    const TrainedNetworkShape shape = shape_of(options.variant, spectrograms);
    const variable_list values = contiguous(parameters);
    variable_list states;
    const KeptStates kept{
        [&](std::int64_t floats) {
          float* const state =
              states.emplace_back(at::empty({floats}, spectrograms.options())).mutable_data_ptr<float>();
          ask_for_huge_pages(state, floats);
          return state;
        },
        [&] {
          if (!options.keeps) states.erase(states.begin(), states.end() - 1);
        }};
    const Picture size = shape.features();
    const at::Tensor features =
        at::empty({shape.clips, shape.variant.head_channels, size.rows, size.columns}, spectrograms.options());
    train_network(shape,
                  {read_only(values), writable(options.running_statistics), options.momentum, options.eps,
                   data_or_null(options.residual_scale)},
                  spectrograms.const_data_ptr<float>(), Team(all_threads()), kept, features.mutable_data_ptr<float>());
    if (options.keeps) {
      Saved{options.variant, options.eps, spectrograms, options.residual_scale, parameters.vec(), states}.save(context);
    }
    return features;
  }

  static variable_list backward(AutogradContext* context, const variable_list& dfeatures) {
    const Saved saved = Saved::of(context);
    variable_list gradients;
    if (at::GradMode::is_enabled() || !saved.is_plain() || at::areAnyTensorSubclassLike(dfeatures)) {
      const at::AutoGradMode gradient_mode(true);
      gradients = differentiable_gradients(saved, dfeatures.front());
    } else {
      gradients = native_gradients(context, saved, dfeatures.front().contiguous());
    }
    gradients.resize(gradients.size() + kOptions);
    return gradients;
  }

 private:
  static variable_list native_gradients(AutogradContext* context, const Saved& saved, const at::Tensor& dfeatures) {
    const variable_list values = contiguous(saved.parameters), states = contiguous(saved.states);
    variable_list gradients{context->needs_input_grad(0) ? at::empty_like(saved.spectrograms) : at::Tensor()};
    const std::size_t count = values.size();
    std::size_t first = count;
    for (std::size_t i = count; i-- > 0;) {
      if (context->needs_input_grad(1 + i)) first = i;
    }
    for (const at::Tensor& value : values) gradients.push_back(at::empty_like(value));
    const at::TensorList of_parameters = at::TensorList(gradients).slice(1);
    train_network_gradient(shape_of(saved.variant, saved.spectrograms),
                           {read_only(values), {}, 0.0, saved.eps, data_or_null(saved.residual_scale)},
                           saved.spectrograms.const_data_ptr<float>(), writable(states),
                           dfeatures.const_data_ptr<float>(), Team(all_threads()),
                           {first, writable(of_parameters),
                            gradients.front().defined() ? gradients.front().mutable_data_ptr<float>() : nullptr});
    for (std::size_t i = 0; i < count; ++i) {
      if (!context->needs_input_grad(1 + i)) gradients[1 + i] = at::Tensor();
    }
    return gradients;
  }
};

}  // namespace

bool trains_natively(const at::Tensor& spectrograms, at::TensorList parameters, at::TensorList running_statistics,
                     const std::optional<at::Tensor>& residual_scale) {
  if (operators_are_watched() || at::autocast::is_autocast_enabled(at::kCPU)) return false;
  // Inside torch.func's transforms PyTorch refuses C++ functions.
  if (c10::impl::tls_is_dispatch_key_included(c10::DispatchKey::FuncTorchDynamicLayerFrontMode)) return false;
  const auto is_readable = [&](const at::Tensor& tensor) {
    return tensor.device().is_cpu() && is_plain_tensor(tensor) && !tensor.is_inference();
  };
  const auto is_plain = [&](const at::Tensor& tensor) {
    return tensor.scalar_type() == at::kFloat && is_readable(tensor);
  };
  const auto is_written = [&](const at::Tensor& tensor) { return is_plain(tensor) && tensor.is_contiguous(); };
  const bool has_fitting_scale =
      !residual_scale.has_value() ||
      (is_readable(*residual_scale) && !(at::GradMode::is_enabled() && residual_scale->requires_grad()));
  return has_fitting_scale && is_plain(spectrograms) && std::all_of(parameters.begin(), parameters.end(), is_plain) &&
         std::all_of(running_statistics.begin(), running_statistics.end(), is_written);
}

at::Tensor trained_features(const EfficientNetVariant& variant, const at::Tensor& spectrograms,
                            at::TensorList parameters, at::TensorList running_statistics, double momentum, double eps,
                            const std::optional<at::Tensor>& residual_scale) {
  const auto wants_gradient = [](const at::Tensor& tensor) { return tensor.requires_grad(); };
  const bool keeps = at::GradMode::is_enabled() && (spectrograms.requires_grad() ||
                                                    std::any_of(parameters.begin(), parameters.end(), wants_gradient));
  // A copy: as with PyTorch's operators, the caller may write into the spectrograms before the gradients are computed.
  const at::Tensor own = keeps ? spectrograms.clone(at::MemoryFormat::Contiguous) : spectrograms.contiguous();
  const at::Tensor scale = residual_scale.has_value() ? residual_scale->to(at::kFloat).contiguous() : at::Tensor();
  return TrainedFeatures::apply(own, parameters, Options{variant, running_statistics, scale, momentum, eps, keeps});
}

}  // namespace singerprint
