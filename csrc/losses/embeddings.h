// What the losses share of their embeddings (two views, one row an example): checks and their wording, and the dtype.
#pragma once
#include "core/check.h"

namespace singerprint {

// (batch, dim), both at least 1, float32 or float64.
inline void check_embeddings(const char* op, const char* argument, const at::Tensor& embeddings) {
  TORCH_CHECK_VALUE(embeddings.dim() == 2 && embeddings.sym_size(0) >= 1 && embeddings.sym_size(1) >= 1, op, ": ",
                    argument, " must have shape (batch, dim) with at least one row and one column, got ",
                    embeddings.sym_sizes());
  TORCH_CHECK_TYPE(embeddings.scalar_type() == at::kFloat || embeddings.scalar_type() == at::kDouble, op, ": ",
                   argument, " must have dtype Float or Double, got ", embeddings.scalar_type());
}

// For losses between different examples.
inline void check_two_rows(const char* op, const char* argument, const at::Tensor& embeddings) {
  TORCH_CHECK_VALUE(embeddings.sym_size(0) >= 2, op, ": ", argument, " must have at least two rows, got ",
                    embeddings.sym_sizes());
}

// Row b of the one belongs to row b of the other.
inline void check_embedding_pair(const char* op, const char* name, const at::Tensor& embeddings, const char* other_name,
                                 const at::Tensor& other) {
  check_embeddings(op, name, embeddings);
  TORCH_CHECK_VALUE(other.sym_sizes() == embeddings.sym_sizes(), op, ": ", other_name, " must have the shape of ", name,
                    ", ", embeddings.sym_sizes(), ", got ", other.sym_sizes());
  check_dtype(op, other_name, other, embeddings.scalar_type());
  check_same_device(op, other_name, other, embeddings);
}

// Outside, 1 / temperature makes the rounding of a cosine larger than any difference, or hides every cosine.
inline void check_temperature(const char* op, double temperature) {
  TORCH_CHECK_VALUE(temperature >= 1e-6 && temperature <= 1e6, op, ": temperature must be between 1e-6 and 1e6, got ",
                    temperature);
}

// The gradient of the scalar loss.
inline void check_grad_loss(const char* op, const at::Tensor& grad_loss, const at::Tensor& embeddings) {
  TORCH_CHECK_VALUE(grad_loss.dim() == 0, op, ": grad_loss must have shape (), got ", grad_loss.sym_sizes());
  check_dtype(op, "grad_loss", grad_loss, embeddings.scalar_type());
  check_same_device(op, "grad_loss", grad_loss, embeddings);
}

// compute: a template over the element type of the embeddings, which is float or double.
template <class Compute>
auto in_dtype_of(const at::Tensor& embeddings, const Compute& compute) {
  return embeddings.scalar_type() == at::kDouble ? compute.template operator()<double>()
                                                 : compute.template operator()<float>();
}

}  // namespace singerprint
