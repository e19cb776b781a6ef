// The rows of one or more views, each divided by its length (losses/unit_rows.h), as tensors; and the way back.
#pragma once
#include "core/cuda.h"
#include "core/precompiled.h"
#include "losses/unit_rows.h"

namespace singerprint {

constexpr std::int64_t kRowsPerTask = 64;

// One view after the other: (views * batch, dim). Each view is (batch, dim) contiguous.
template <class T>
at::Tensor unit_views(at::TensorList views) {
  const std::int64_t batch = views[0].size(0);
  const std::int64_t dim = views[0].size(1);
  at::Tensor z = at::empty({static_cast<std::int64_t>(views.size()) * batch, dim}, views[0].options());
  T* to = z.mutable_data_ptr<T>();
  for (const at::Tensor& view : views) {
    const T* const from = view.const_data_ptr<T>();
    at::parallel_for(0, batch, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) unit_row(from + b * dim, dim, to + b * dim);
    });
    to += batch * dim;
  }
  return z;
}

// From the gradient by z to that by each view.
template <class T>
void unit_views_backward(at::TensorList views, const at::Tensor& gradient, at::TensorList grad_views) {
  const std::int64_t batch = views[0].size(0);
  const std::int64_t dim = views[0].size(1);
  const T* dz = gradient.const_data_ptr<T>();
  for (std::size_t v = 0; v < views.size(); ++v) {
    const T* const x = views[v].const_data_ptr<T>();
    T* const dx = grad_views[v].mutable_data_ptr<T>();
    at::parallel_for(0, batch, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = begin; b < end; ++b) unit_row_backward(x + b * dim, dz + b * dim, dim, dx + b * dim);
    });
    dz += batch * dim;
  }
}

template <class T>
at::Tensor unit_views_cuda(const char* op, at::TensorList views, void* stream) {
  const std::int64_t batch = views[0].size(0);
  const std::int64_t dim = views[0].size(1);
  at::Tensor z = at::empty({static_cast<std::int64_t>(views.size()) * batch, dim}, views[0].options());
  T* to = z.mutable_data_ptr<T>();
  for (const at::Tensor& view : views) {
    check_launch(op, launch_unit_rows(view.const_data_ptr<T>(), batch, dim, to, stream));
    to += batch * dim;
  }
  return z;
}

template <class T>
void unit_views_backward_cuda(const char* op, at::TensorList views, const at::Tensor& gradient,
                              at::TensorList grad_views, void* stream) {
  const std::int64_t batch = views[0].size(0);
  const std::int64_t dim = views[0].size(1);
  const T* dz = gradient.const_data_ptr<T>();
  for (std::size_t v = 0; v < views.size(); ++v) {
    check_launch(op, launch_unit_rows_backward(views[v].const_data_ptr<T>(), dz, batch, dim,
                                               grad_views[v].mutable_data_ptr<T>(), stream));
    dz += batch * dim;
  }
}

}  // namespace singerprint
