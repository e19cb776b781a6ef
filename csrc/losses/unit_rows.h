// unit_rows: rows of length 1, z[i] = x[i] / max(|x[i]|, 1e-12), and the gradient through that.
//   dx = (dz - x * <x, dz> / |x|^2) / |x|   where |x| >= 1e-12,   dx = dz / 1e-12   below (a zero row: the limit's
//   slope)
// Lengths and inner products are double whatever the rows are: their error would be amplified by 1 / temperature.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/host_device.h"

namespace singerprint {

constexpr double kSmallestLength = 1e-12;  // as torch.nn.functional.normalize

SINGERPRINT_HOST_DEVICE inline double bounded_length(double squared_length) {
  const double length = sqrt(squared_length);
  return length < kSmallestLength ? kSmallestLength : length;  // NaN stays NaN
}

// What to take off dz for each unit of x before the division by the length.
SINGERPRINT_HOST_DEVICE inline double radial_share(double squared_length, double inner_product) {
  return sqrt(squared_length) < kSmallestLength ? 0.0 : inner_product / squared_length;
}

// The sum of term(k) for k in [0, dim). Eight partial sums in a fixed order: one chain of additions would wait four
// cycles for each.
template <class Term>
double sum_over_dim(std::int64_t dim, const Term& term) {
  double partial[8] = {};
  std::int64_t k = 0;
  for (; k + 8 <= dim; k += 8) {
    for (int lane = 0; lane < 8; ++lane) partial[lane] += term(k + lane);
  }
  for (int lane = 0; k < dim; ++k, ++lane) partial[lane] += term(k);
  return ((partial[0] + partial[1]) + (partial[2] + partial[3])) +
         ((partial[4] + partial[5]) + (partial[6] + partial[7]));
}

template <class T>
double inner_product(const T* a, const T* b, std::int64_t dim) {
  return sum_over_dim(dim, [=](std::int64_t k) { return static_cast<double>(a[k]) * static_cast<double>(b[k]); });
}

template <class T>
void unit_row(const T* x, std::int64_t dim, T* z) {
  const double inverse = 1.0 / bounded_length(inner_product(x, x, dim));
  for (std::int64_t k = 0; k < dim; ++k) z[k] = static_cast<T>(static_cast<double>(x[k]) * inverse);
}

template <class T>
void unit_row_backward(const T* x, const T* dz, std::int64_t dim, T* dx) {
  const double squared_length = inner_product(x, x, dim);
  const double share = radial_share(squared_length, inner_product(x, dz, dim));
  const double inverse = 1.0 / bounded_length(squared_length);
  for (std::int64_t k = 0; k < dim; ++k) {
    dx[k] = static_cast<T>((static_cast<double>(dz[k]) - static_cast<double>(x[k]) * share) * inverse);
  }
}

// x, z, dz, dx: (rows, dim) contiguous, T float or double. Return nullptr or the launch's error.
template <class T>
const char* launch_unit_rows(const T* x, std::int64_t rows, std::int64_t dim, T* z, void* stream);
template <class T>
const char* launch_unit_rows_backward(const T* x, const T* dz, std::int64_t rows, std::int64_t dim, T* dx,
                                      void* stream);

}  // namespace singerprint
