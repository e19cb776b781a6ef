#include "nn/efficientnet_inference.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <c10/core/StorageImpl.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "core/precompiled.h"
#include "nn/all_threads.h"
#include "nn/folded_classifier.h"
#include "nn/folded_clip.h"
#include "nn/plain_tensor.h"

namespace singerprint {
namespace {

// Networks that stay folded, 21 MB each (77 MB of B4): an encoder, its moving average and some more.
constexpr std::size_t kFoldedNetworks = 8;   // of either Value
constexpr std::int64_t kSampledValues = 16;  // of each tensor

// A sum over values spread evenly over the tensor: of bits, so that NaN equals itself.
std::uint32_t sampled_bits(const at::Tensor& tensor) {
  const auto* const values = static_cast<const char*>(tensor.const_data_ptr());
  const std::int64_t bytes = tensor.element_size();  // 4 or 2
  const std::int64_t count = tensor.is_non_overlapping_and_dense() ? tensor.numel() : 1;
  std::uint32_t sum = 0;
  for (std::int64_t i = 0; i < std::min(count, kSampledValues); ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, values + i * count / std::min(count, kSampledValues) * bytes, bytes);
    sum = sum * 31 + bits;
  }
  return sum;
}

// What a tensor was when it was folded. The weak reference keeps the address of its storage from being given away.
struct TensorState {
  c10::weak_intrusive_ptr<c10::StorageImpl> storage;
  const void* data;
  at::ScalarType dtype;
  std::vector<std::int64_t> strides;
  std::uint32_t version;
  std::uint32_t bits;

  explicit TensorState(const at::Tensor& tensor)
      : storage(tensor.storage().getWeakStorageImpl()),
        data(tensor.const_data_ptr()),
        dtype(tensor.scalar_type()),
        strides(tensor.strides().vec()),
        version(version_of(tensor)),
        bits(sampled_bits(tensor)) {}

  bool is_of(const at::Tensor& tensor) const {
    return !storage.expired() && storage._unsafe_get_target() == tensor.storage().unsafeGetStorageImpl() &&
           data == tensor.const_data_ptr() && dtype == tensor.scalar_type() && tensor.strides() == strides &&
           version == version_of(tensor) && bits == sampled_bits(tensor);
  }

  static std::uint32_t version_of(const at::Tensor& tensor) {
    return tensor.unsafeGetTensorImpl()->version_counter().current_version();
  }
};

template <class Value>
struct FoldedNetwork {
  std::vector<TensorState> states;  // of the parameters, then of the running statistics
  double eps;
  std::shared_ptr<const FoldedEfficientNet<Value>> network;

  bool is_of(at::TensorList parameters, at::TensorList running_statistics, double its_eps) const {
    if (states.size() != parameters.size() + running_statistics.size()) return false;
    auto state = states.begin();
    const auto is_next = [&](const at::Tensor& tensor) { return (state++)->is_of(tensor); };
    return eps == its_eps && std::all_of(parameters.begin(), parameters.end(), is_next) &&
           std::all_of(running_statistics.begin(), running_statistics.end(), is_next);
  }

  // Nobody can ask for it any more: its tensors are gone, or this one's have changed.
  bool is_stale(const at::Tensor& first_parameter, std::size_t tensors) const {
    const auto& storage = states.front().storage;
    return storage.expired() || (states.size() == tensors &&
                                 storage._unsafe_get_target() == first_parameter.storage().unsafeGetStorageImpl());
  }
};

template <class Value>
std::shared_ptr<const FoldedEfficientNet<Value>> fold(const EfficientNetVariant& variant, at::TensorList parameters,
                                                      at::TensorList running_statistics, bool embeds, double eps) {
  std::vector<at::Tensor> kept;
  const auto contiguous = [&](at::TensorList tensors) {
    std::vector<const float*> data;
    for (const at::Tensor& tensor : tensors)
      data.push_back(kept.emplace_back(tensor.to(at::kFloat).contiguous()).const_data_ptr<float>());
    return data;
  };
  return std::make_shared<const FoldedEfficientNet<Value>>(
      fold_efficientnet<Value>({variant, parameters.front().size(1), embeds ? parameters.back().size(0) : 0, eps,
                                contiguous(parameters), contiguous(running_statistics)}));
}

template <class Value>
std::shared_ptr<const FoldedEfficientNet<Value>> folded(const EfficientNetVariant& variant, at::TensorList parameters,
                                                        at::TensorList running_statistics, bool embeds, double eps) {
  static std::mutex mutex;
  static std::vector<FoldedNetwork<Value>> networks;  // the one that was used last is the first
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = std::find_if(networks.begin(), networks.end(), [&](const FoldedNetwork<Value>& network) {
    return network.is_of(parameters, running_statistics, eps);
  });
  if (found != networks.end()) {
    std::rotate(networks.begin(), found, found + 1);
    return networks.front().network;
  }
  const std::size_t tensors = parameters.size() + running_statistics.size();
  std::erase_if(networks,
                [&](const FoldedNetwork<Value>& network) { return network.is_stale(parameters.front(), tensors); });
  if (networks.size() == kFoldedNetworks) networks.pop_back();
  FoldedNetwork<Value> network{{}, eps, fold<Value>(variant, parameters, running_statistics, embeds, eps)};
  for (const at::Tensor& tensor : parameters) network.states.emplace_back(tensor);
  for (const at::Tensor& tensor : running_statistics) network.states.emplace_back(tensor);
  networks.insert(networks.begin(), std::move(network));
  return networks.front().network;
}

// What becomes of one clip, a contiguous slice of `to`: feature_map or pooled_features.
template <class Value>
using ClipFunction = void (*)(const FoldedEfficientNet<Value>& network, const Value* spectrogram,
                              Picture spectrogram_size, const Workers& workers, void* memory, float* to);

// input: contiguous, of the dtype of Value.
template <class Value>
void run_clips(const FoldedEfficientNet<Value>& network, const at::Tensor& input, ClipFunction<Value> run,
               const at::Tensor& to) {
  const std::int64_t batch = input.size(0);
  const Picture size{input.size(2), input.size(3)};
  const Workers threads = all_threads();
  const bool clip_by_clip = batch < threads.count;
  const Workers& in_clip = clip_by_clip ? threads : one_worker();
  const std::int64_t bytes = clip_bytes(network, size, in_clip);
  const at::Tensor memory = at::empty({(clip_by_clip ? 1 : threads.count) * bytes}, at::kByte);
  const auto* const clips = static_cast<const Value*>(input.const_data_ptr());
  const auto run_clip = [&](std::int64_t clip, int worker) {
    run(network, clips + clip * network.in_channels * size.pixels(), size, in_clip,
        memory.mutable_data_ptr<std::uint8_t>() + worker * bytes,
        to.mutable_data_ptr<float>() + clip * (to.numel() / batch));
  };
  (clip_by_clip ? one_worker() : threads).for_each(batch, run_clip);
}

// The arguments of efficientnet and efficientnet_features; both give float32.
template <class Value>
at::Tensor embedded(const EfficientNetVariant& variant, const at::Tensor& spectrograms, at::TensorList parameters,
                    at::TensorList running_statistics, double eps) {
  const auto network = folded<Value>(variant, parameters, running_statistics, /*embeds=*/true, eps);
  const std::int64_t batch = spectrograms.size(0);
  const at::Tensor pooled = at::empty({batch, network->head_channels}, at::kFloat);
  const at::Tensor result = at::empty({batch, network->embedding_dim}, at::kFloat);
  run_clips<Value>(*network, spectrograms, pooled_features, pooled);
  embed_pooled(*network, pooled.const_data_ptr<float>(), batch, all_threads(), result.mutable_data_ptr<float>());
  return result;
}

template <class Value>
at::Tensor mapped(const EfficientNetVariant& variant, const at::Tensor& spectrograms, at::TensorList parameters,
                  at::TensorList running_statistics, double eps) {
  const auto network = folded<Value>(variant, parameters, running_statistics, /*embeds=*/false, eps);
  const Picture size = Picture{spectrograms.size(2), spectrograms.size(3)}.strided(kTotalStride);
  const at::Tensor result =
      at::empty({spectrograms.size(0), size.rows, size.columns, network->head_channels}, at::kFloat);
  run_clips<Value>(*network, spectrograms, feature_map, result);
  return result.permute({0, 3, 1, 2});
}

// What PyTorch's operators would give: the dtype of an autocast region, else that of all tensors.
at::ScalarType result_dtype(const at::Tensor& spectrograms) {
  return at::autocast::is_autocast_enabled(at::kCPU) ? at::autocast::get_autocast_dtype(at::kCPU)
                                                     : spectrograms.scalar_type();
}

bool is_float_or_bfloat16(at::ScalarType dtype) { return dtype == at::kFloat || dtype == at::kBFloat16; }

// compute: a template over the Value that the processor multiplies, of spectrograms of that dtype; it gives float32.
template <class Compute>
at::Tensor in_wanted_dtype(const at::Tensor& spectrograms, const Compute& compute) {
  const at::ScalarType wanted = result_dtype(spectrograms);
  const bool in_bfloat16 = wanted == at::kBFloat16 && multiplies_bfloat16();
  const at::Tensor input = spectrograms.to(in_bfloat16 ? at::kBFloat16 : at::kFloat).contiguous();
  return (in_bfloat16 ? compute.template operator()<Bfloat16>(input) : compute.template operator()<float>(input))
      .to(wanted);
}

}  // namespace

bool infers_natively(const at::Tensor& spectrograms, at::TensorList parameters, at::TensorList running_statistics) {
  if (!spectrograms.device().is_cpu() || !is_float_or_bfloat16(result_dtype(spectrograms))) return false;
  if (operators_are_watched()) return false;
  const bool gradients = at::GradMode::is_enabled();
  const auto is_plain = [&](const at::Tensor& tensor) {
    return is_float_or_bfloat16(tensor.scalar_type()) && is_plain_tensor(tensor) &&
           !(gradients && tensor.requires_grad());
  };
  // Changes of a tensor made in inference mode are not counted.
  const auto is_fixed = [&](const at::Tensor& tensor) { return is_plain(tensor) && !tensor.is_inference(); };
  return is_plain(spectrograms) && std::all_of(parameters.begin(), parameters.end(), is_fixed) &&
         std::all_of(running_statistics.begin(), running_statistics.end(), is_fixed);
}

at::Tensor efficientnet_inference(const EfficientNetVariant& variant, const at::Tensor& spectrograms,
                                  at::TensorList parameters, at::TensorList running_statistics, double eps) {
  return in_wanted_dtype(spectrograms, [&]<class Value>(const at::Tensor& input) {
    return embedded<Value>(variant, input, parameters, running_statistics, eps);
  });
}

at::Tensor efficientnet_features_inference(const EfficientNetVariant& variant, const at::Tensor& spectrograms,
                                           at::TensorList parameters, at::TensorList running_statistics, double eps) {
  return in_wanted_dtype(spectrograms, [&]<class Value>(const at::Tensor& input) {
    return mapped<Value>(variant, input, parameters, running_statistics, eps);
  });
}

}  // namespace singerprint
