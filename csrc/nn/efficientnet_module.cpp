#include "nn/efficientnet_module.h"

#include <torch/nn/init.h>

#include <cmath>
#include <memory>
#include <string>

#include "nn/efficientnet.h"

namespace singerprint {
namespace {

using torch::nn::Module;

// The module that owns "a.b.weight": root -> "a" -> "b", made where they are missing.
Module& owner_of(Module& root, const std::string& name) {
  Module* owner = &root;
  std::size_t start = 0;
  for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', start)) {
    const std::string part = name.substr(start, dot - start);
    const auto children = owner->named_children();
    const auto* const child = children.find(part);
    owner = child != nullptr ? child->get() : owner->register_module(part, std::make_shared<Module>(part)).get();
    start = dot + 1;
  }
  return *owner;
}

at::Tensor initialized(const TensorLayout& layout) {
  switch (layout.kind) {
    case TensorKind::kConvolution:
      return torch::nn::init::kaiming_normal_(torch::empty(layout.shape), 0, torch::kFanOut);
    case TensorKind::kLinear: {
      const double bound = 1.0 / std::sqrt(static_cast<double>(layout.shape[0]));
      return torch::nn::init::uniform_(torch::empty(layout.shape), -bound, bound);
    }
    case TensorKind::kNormWeight:
    case TensorKind::kRunningVar:
      return torch::ones(layout.shape);
    case TensorKind::kNumBatchesTracked:
      return torch::zeros(layout.shape, torch::kLong);
    default:
      return torch::zeros(layout.shape);
  }
}

}  // namespace

EfficientNetImpl::EfficientNetImpl(const EfficientNetVariant& variant, std::int64_t in_channels,
                                   std::int64_t embedding_dim)
    : torch::nn::Module(variant.name), variant_(variant) {
  for (const TensorLayout& layout : efficientnet_layout(variant, in_channels, embedding_dim)) {
    Module& owner = owner_of(*this, layout.name);
    const std::string leaf = layout.name.substr(layout.name.rfind('.') + 1);
    if (layout.is_parameter()) {
      parameters_of_op_.push_back(owner.register_parameter(leaf, initialized(layout)));
    } else {
      auto& group = layout.kind == TensorKind::kNumBatchesTracked ? batches_tracked_ : running_statistics_;
      group.push_back(owner.register_buffer(leaf, initialized(layout)));
    }
  }
}

at::Tensor EfficientNetImpl::forward(const at::Tensor& spectrograms) {
  const at::Tensor result =
      efficientnet(variant_, spectrograms, parameters_of_op_, running_statistics_, is_training(), kMomentum, kEps);
  if (is_training()) {
    for (at::Tensor& count : batches_tracked_) count.add_(1);
  }
  return result;
}

}  // namespace singerprint
