#include "losses/alignment.h"

#include <tuple>

#include "core/cuda.h"
#include "core/precompiled.h"
#include "losses/embeddings.h"

namespace singerprint {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;
constexpr std::int64_t kRowsPerTask = 64;

void check_arguments(const char* op, const at::Tensor& first, const at::Tensor& second, double alpha) {
  check_embedding_pair(op, "first", first, "second", second);
  // Below 1 the gradient grows without bound where views agree; above 100 a distance of 2 nears the end of float.
  TORCH_CHECK_VALUE(alpha >= 1.0 && alpha <= 100.0, op, ": alpha must be between 1 and 100, got ", alpha);
}

at::Tensor alignment_meta(const at::Tensor& first, const at::Tensor& second, double alpha) {
  check_arguments("alignment", first, second, alpha);
  return at::empty({}, first.options());
}

Pair alignment_backward_meta(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
                             double alpha) {
  check_arguments("alignment_backward", first, second, alpha);
  check_grad_loss("alignment_backward", grad_loss, first);
  return {at::empty_symint(first.sym_sizes(), first.options()), at::empty_symint(second.sym_sizes(), second.options())};
}

struct Row {
  ByolRow sums;
  double squared_distance;
};

template <class T>
Row row_of(const T* first, const T* second, std::int64_t dim) {
  const ByolRow sums{inner_product(first, first, dim), inner_product(second, second, dim),
                     inner_product(first, second, dim)};
  const double inverse_first = 1.0 / bounded_length(sums.prediction_squared);
  const double inverse_second = 1.0 / bounded_length(sums.target_squared);
  const double sum = sum_over_dim(
      dim, [=](std::int64_t k) { return squared_difference(first[k], inverse_first, second[k], inverse_second); });
  return {sums, squared_distance_of(sums, sum)};
}

template <class T>
at::Tensor forward(const at::Tensor& first, const at::Tensor& second, double alpha) {
  at::Tensor result = alignment_meta(first, second, alpha);
  const std::int64_t batch = first.size(0);
  const std::int64_t dim = first.size(1);
  const at::Tensor views[] = {first.contiguous(), second.contiguous()};
  const T* const one = views[0].const_data_ptr<T>();
  const T* const other = views[1].const_data_ptr<T>();
  const at::Tensor losses = at::empty({batch}, first.options().dtype(at::kDouble));
  double* const loss_of = losses.mutable_data_ptr<double>();
  at::parallel_for(0, batch, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      loss_of[b] = alignment_loss(row_of(one + b * dim, other + b * dim, dim).squared_distance, alpha);
    }
  });
  double total = 0.0;  // in the order of the rows, whatever the number of threads
  for (std::int64_t b = 0; b < batch; ++b) total += loss_of[b];
  *result.mutable_data_ptr<T>() = static_cast<T>(total / static_cast<double>(batch));
  return result;
}

template <class T>
Pair backward(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second, double alpha) {
  const Pair result = alignment_backward_meta(grad_loss, first, second, alpha);
  const std::int64_t batch = first.size(0);
  const std::int64_t dim = first.size(1);
  const at::Tensor views[] = {first.contiguous(), second.contiguous()};
  const T* const one = views[0].const_data_ptr<T>();
  const T* const other = views[1].const_data_ptr<T>();
  T* const grad_one = std::get<0>(result).template mutable_data_ptr<T>();
  T* const grad_other = std::get<1>(result).template mutable_data_ptr<T>();
  const double share = static_cast<double>(*grad_loss.const_data_ptr<T>()) / static_cast<double>(batch);
  at::parallel_for(0, batch, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t start = begin * dim; start < end * dim; start += dim) {
      const auto [sums, squared_distance] = row_of(one + start, other + start, dim);
      const auto& [one_squared, other_squared, product] = sums;
      const double grad_row = share * alignment_slope(squared_distance, alpha);
      const ByolGradient of_one = byol_gradient(one_squared, other_squared, product, grad_row);
      const ByolGradient of_other = byol_gradient(other_squared, one_squared, product, grad_row);
      for (std::int64_t k = start; k < start + dim; ++k) {
        grad_one[k] = byol_gradient_at(of_one, one[k], other[k]);
        grad_other[k] = byol_gradient_at(of_other, other[k], one[k]);
      }
    }
  });
  return result;
}

at::Tensor alignment_cpu(const at::Tensor& first, const at::Tensor& second, double alpha) {
  return in_dtype_of(first, [&]<class T>() { return forward<T>(first, second, alpha); });
}

Pair alignment_backward_cpu(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
                            double alpha) {
  return in_dtype_of(first, [&]<class T>() { return backward<T>(grad_loss, first, second, alpha); });
}

template <class T>
at::Tensor forward_cuda(const at::Tensor& first, const at::Tensor& second, double alpha) {
  at::Tensor result = alignment_meta(first, second, alpha);
  const c10::DeviceGuard guard(first.device());
  at::Tensor losses = at::empty({first.size(0)}, first.options().dtype(at::kDouble));
  check_launch("alignment",
               launch_alignment(first.contiguous().const_data_ptr<T>(), second.contiguous().const_data_ptr<T>(),
                                first.size(0), first.size(1), alpha, losses.mutable_data_ptr<double>(),
                                result.mutable_data_ptr<T>(), current_stream(first)));
  return result;
}

template <class T>
Pair backward_cuda(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second, double alpha) {
  const Pair result = alignment_backward_meta(grad_loss, first, second, alpha);
  const c10::DeviceGuard guard(first.device());
  check_launch("alignment_backward",
               launch_alignment_backward(grad_loss.const_data_ptr<T>(), first.contiguous().const_data_ptr<T>(),
                                         second.contiguous().const_data_ptr<T>(), first.size(0), first.size(1), alpha,
                                         std::get<0>(result).template mutable_data_ptr<T>(),
                                         std::get<1>(result).template mutable_data_ptr<T>(), current_stream(first)));
  return result;
}

[[maybe_unused]] at::Tensor alignment_cuda(const at::Tensor& first, const at::Tensor& second, double alpha) {
  return in_dtype_of(first, [&]<class T>() { return forward_cuda<T>(first, second, alpha); });
}

[[maybe_unused]] Pair alignment_backward_cuda(const at::Tensor& grad_loss, const at::Tensor& first,
                                              const at::Tensor& second, double alpha) {
  return in_dtype_of(first, [&]<class T>() { return backward_cuda<T>(grad_loss, first, second, alpha); });
}

}  // namespace

// The derivative of alignment is registered in Python (singerprint/losses/alignment.py); second derivatives are
// refused.
TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("alignment(Tensor first, Tensor second, float alpha) -> Tensor");
  library.def(
      "alignment_backward(Tensor grad_loss, Tensor first, Tensor second, float alpha) -> (Tensor grad_first, "
      "Tensor grad_second)");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) {
  library.impl("alignment", &alignment_meta);
  library.impl("alignment_backward", &alignment_backward_meta);
}
TORCH_LIBRARY_IMPL(singerprint, CPU, library) {
  library.impl("alignment", &alignment_cpu);
  library.impl("alignment_backward", &alignment_backward_cpu);
}
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("alignment_backward", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(alignment)
SINGERPRINT_REGISTER_CUDA(alignment_backward)

}  // namespace singerprint
