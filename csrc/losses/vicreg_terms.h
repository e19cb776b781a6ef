// The three terms of VICReg for one view, and what each adds to the gradient, in double on CPU and CUDA
// (Bardes, Ponce, LeCun 2022, "VICReg"; the factors of facebookresearch/vicreg).
//   c[n, j]  = embeddings[n, j] - mean over n of embeddings[n, j]
//   v[j]     = sum over n of c[n, j]^2 / (batch - 1)
//   variance   = 1 / dim sum_j max(0, gamma - sqrt(v[j] + eps))
//   covariance = 1 / dim sum_{i != j} C[i, j]^2,   C = c^T c / (batch - 1)
// With fewer rows than columns the sum over C comes from the batch x batch products of the rows, G = c c^T / (batch -
// 1):
//   sum_{i != j} C[i, j]^2 = sum_{n, m} G[n, m]^2 - sum_j v[j]^2
// so the larger square is never made. The subtraction is why all is double: it loses what one column is above all
// others, at most batch * dim * 2^-52 of (sum_j v[j])^2.
// PyTorch's own operators: they are its matrix products and column sums, which no switch to TF32 or bfloat16 reaches in
// double, and the same lines serve both devices. None waits for the device.
#pragma once
#include <ATen/core/Tensor.h>

#include <limits>

#include "losses/embeddings.h"

namespace singerprint {

// A row alone has no variance.
inline void check_rows_that_vary(const char* op, const char* argument, const at::Tensor& embeddings) {
  check_embeddings(op, argument, embeddings);
  TORCH_CHECK_VALUE(embeddings.sym_size(0) >= 2, op, ": ", argument,
                    " must have at least two rows, as a variance needs, got ", embeddings.sym_sizes());
}

// gamma, eps: where a standard deviation of 0 has a finite slope.
inline void check_positive(const char* op, const char* argument, double value) {
  TORCH_CHECK_VALUE(value > 0.0 && value <= std::numeric_limits<double>::max(), op, ": ", argument,
                    " must be positive and finite, got ", value);
}

inline void check_weight(const char* op, const char* argument, double value) {
  TORCH_CHECK_VALUE(value >= 0.0 && value <= std::numeric_limits<double>::max(), op, ": ", argument,
                    " must be finite and not negative, got ", value);
}

// The rows and columns of the smaller square.
inline c10::SymInt product_size(const at::Tensor& embeddings) {
  return embeddings.sym_size(0).min(embeddings.sym_size(1));
}

inline void check_product(const char* op, const char* argument, const at::Tensor& product, const at::Tensor& embeddings,
                          c10::SymIntArrayRef sizes) {
  TORCH_CHECK_VALUE(product.sym_sizes() == sizes, op, ": ", argument, " must have the shape that the forward gave it, ",
                    sizes, ", got ", product.sym_sizes());
  check_dtype(op, argument, product, at::kDouble);
  check_same_device(op, argument, product, embeddings);
}

struct CentredColumns {
  at::Tensor centred;    // c: (batch, dim) float64
  at::Tensor variances;  // v: (dim,) float64
};

CentredColumns centred_columns(const at::Tensor& embeddings);

// Where batch < dim: G, (batch, batch); otherwise C with zeros on its diagonal, (dim, dim).
void write_product(const CentredColumns& columns, const at::Tensor& product);

// The terms: () float64.
at::Tensor invariance_term(const at::Tensor& first, const at::Tensor& second);
at::Tensor variance_term(const CentredColumns& columns, double gamma, double eps);
at::Tensor covariance_term(const CentredColumns& columns, const at::Tensor& product);

// d invariance / d first, (batch, dim) float64; by second it is the negative.
at::Tensor invariance_gradient(const at::Tensor& first, const at::Tensor& second);
// d variance / d embeddings = slopes[j] * c[n, j]; slopes: (dim,) float64.
at::Tensor variance_slopes(const CentredColumns& columns, double gamma, double eps);
// slopes[j] * c[n, j] + weight * d covariance / d embeddings, (batch, dim) float64.
at::Tensor gradient_with_covariance(const CentredColumns& columns, const at::Tensor& slopes, const at::Tensor& product,
                                    double weight);

}  // namespace singerprint
