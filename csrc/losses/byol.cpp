#include "losses/byol.h"

#include <tuple>

#include "core/cuda.h"
#include "core/precompiled.h"
#include "losses/embeddings.h"

namespace singerprint {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;
constexpr std::int64_t kRowsPerTask = 64;

at::Tensor byol_meta(const at::Tensor& prediction, const at::Tensor& target) {
  check_embedding_pair("byol", "prediction", prediction, "target", target);
  return at::empty({}, prediction.options());
}

Pair byol_backward_meta(const at::Tensor& grad_loss, const at::Tensor& prediction, const at::Tensor& target) {
  check_embedding_pair("byol_backward", "prediction", prediction, "target", target);
  check_grad_loss("byol_backward", grad_loss, prediction);
  return {at::empty_symint(prediction.sym_sizes(), prediction.options()),
          at::empty_symint(target.sym_sizes(), target.options())};
}

template <class T>
ByolRow row_of(const T* prediction, const T* target, std::int64_t dim) {
  return {inner_product(prediction, prediction, dim), inner_product(target, target, dim),
          inner_product(prediction, target, dim)};
}

template <class T>
at::Tensor forward(const at::Tensor& prediction, const at::Tensor& target) {
  at::Tensor result = byol_meta(prediction, target);
  const std::int64_t batch = prediction.size(0);
  const std::int64_t dim = prediction.size(1);
  const at::Tensor predictions = prediction.contiguous();
  const at::Tensor targets = target.contiguous();
  at::Tensor losses = at::empty({batch}, prediction.options().dtype(at::kDouble));
  double* const loss_of = losses.mutable_data_ptr<double>();
  at::parallel_for(0, batch, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      loss_of[b] =
          byol_loss(row_of(predictions.const_data_ptr<T>() + b * dim, targets.const_data_ptr<T>() + b * dim, dim));
    }
  });
  double total = 0.0;  // in the order of the rows, whatever the number of threads
  for (std::int64_t b = 0; b < batch; ++b) total += loss_of[b];
  *result.mutable_data_ptr<T>() = static_cast<T>(total / static_cast<double>(batch));
  return result;
}

template <class T>
Pair backward(const at::Tensor& grad_loss, const at::Tensor& prediction, const at::Tensor& target) {
  const Pair result = byol_backward_meta(grad_loss, prediction, target);
  const std::int64_t batch = prediction.size(0);
  const std::int64_t dim = prediction.size(1);
  const at::Tensor predictions = prediction.contiguous();
  const at::Tensor targets = target.contiguous();
  const T* const p = predictions.const_data_ptr<T>();
  const T* const t = targets.const_data_ptr<T>();
  T* const grad_p = std::get<0>(result).template mutable_data_ptr<T>();
  T* const grad_t = std::get<1>(result).template mutable_data_ptr<T>();
  const double grad_row = static_cast<double>(*grad_loss.const_data_ptr<T>()) / static_cast<double>(batch);
  at::parallel_for(0, batch, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t start = begin * dim; start < end * dim; start += dim) {
      const ByolRow row = row_of(p + start, t + start, dim);
      const ByolGradient of_p = byol_gradient(row.prediction_squared, row.target_squared, row.product, grad_row);
      const ByolGradient of_t = byol_gradient(row.target_squared, row.prediction_squared, row.product, grad_row);
      for (std::int64_t k = start; k < start + dim; ++k) {
        grad_p[k] = byol_gradient_at(of_p, p[k], t[k]);
        grad_t[k] = byol_gradient_at(of_t, t[k], p[k]);
      }
    }
  });
  return result;
}

at::Tensor byol_cpu(const at::Tensor& prediction, const at::Tensor& target) {
  return in_dtype_of(prediction, [&]<class T>() { return forward<T>(prediction, target); });
}

Pair byol_backward_cpu(const at::Tensor& grad_loss, const at::Tensor& prediction, const at::Tensor& target) {
  return in_dtype_of(prediction, [&]<class T>() { return backward<T>(grad_loss, prediction, target); });
}

template <class T>
at::Tensor forward_cuda(const at::Tensor& prediction, const at::Tensor& target) {
  at::Tensor result = byol_meta(prediction, target);
  const c10::DeviceGuard guard(prediction.device());
  at::Tensor losses = at::empty({prediction.size(0)}, prediction.options().dtype(at::kDouble));
  check_launch("byol", launch_byol(prediction.contiguous().const_data_ptr<T>(), target.contiguous().const_data_ptr<T>(),
                                   prediction.size(0), prediction.size(1), losses.mutable_data_ptr<double>(),
                                   result.mutable_data_ptr<T>(), current_stream(prediction)));
  return result;
}

template <class T>
Pair backward_cuda(const at::Tensor& grad_loss, const at::Tensor& prediction, const at::Tensor& target) {
  const Pair result = byol_backward_meta(grad_loss, prediction, target);
  const c10::DeviceGuard guard(prediction.device());
  check_launch("byol_backward",
               launch_byol_backward(grad_loss.const_data_ptr<T>(), prediction.contiguous().const_data_ptr<T>(),
                                    target.contiguous().const_data_ptr<T>(), prediction.size(0), prediction.size(1),
                                    std::get<0>(result).template mutable_data_ptr<T>(),
                                    std::get<1>(result).template mutable_data_ptr<T>(), current_stream(prediction)));
  return result;
}

[[maybe_unused]] at::Tensor byol_cuda(const at::Tensor& prediction, const at::Tensor& target) {
  return in_dtype_of(prediction, [&]<class T>() { return forward_cuda<T>(prediction, target); });
}

[[maybe_unused]] Pair byol_backward_cuda(const at::Tensor& grad_loss, const at::Tensor& prediction,
                                         const at::Tensor& target) {
  return in_dtype_of(prediction, [&]<class T>() { return backward_cuda<T>(grad_loss, prediction, target); });
}

}  // namespace

// The derivative of byol is registered in Python (singerprint/losses/byol.py); second derivatives are refused.
TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("byol(Tensor prediction, Tensor target) -> Tensor");
  library.def(
      "byol_backward(Tensor grad_loss, Tensor prediction, Tensor target) -> (Tensor grad_prediction, "
      "Tensor grad_target)");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) {
  library.impl("byol", &byol_meta);
  library.impl("byol_backward", &byol_backward_meta);
}
TORCH_LIBRARY_IMPL(singerprint, CPU, library) {
  library.impl("byol", &byol_cpu);
  library.impl("byol_backward", &byol_backward_cpu);
}
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("byol_backward", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(byol)
SINGERPRINT_REGISTER_CUDA(byol_backward)

}  // namespace singerprint
