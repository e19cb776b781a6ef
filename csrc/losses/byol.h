// byol: how far the prediction of one view points away from the target's projection of the other
// (Grill et al. 2020, "Bootstrap Your Own Latent", equation 2), the mean over the batch.
//   cosine[b] = <prediction[b], target[b]> / (|prediction[b]| * |target[b]|),  lengths of at least 1e-12
//   loss      = 1 / batch sum_b ( 2 - 2 * cosine[b] )                                          0 to 4
//   d loss / d prediction[b] = -2 / batch * (target[b] / |target[b]| - cosine[b] * prediction[b] / |prediction[b]|)
//                              / |prediction[b]|,  and likewise for target
#pragma once
#include <cmath>
#include <cstdint>

#include "losses/unit_rows.h"

namespace singerprint {

// What one row needs: three sums over dim.
struct ByolRow {
  double prediction_squared;
  double target_squared;
  double product;
};

SINGERPRINT_HOST_DEVICE inline double byol_loss(const ByolRow& row) {
  return 2.0 - 2.0 * row.product / (bounded_length(row.prediction_squared) * bounded_length(row.target_squared));
}

// gradient[k] = across * other[k] - along * own[k]
struct ByolGradient {
  double across;
  double along;
};

SINGERPRINT_HOST_DEVICE inline ByolGradient byol_gradient(double own_squared, double other_squared, double product,
                                                          double grad_row) {
  const double across = -2.0 * grad_row / (bounded_length(own_squared) * bounded_length(other_squared));
  return {across, across * radial_share(own_squared, product)};
}

template <class T>
SINGERPRINT_HOST_DEVICE inline T byol_gradient_at(const ByolGradient& gradient, T own, T other) {
  return static_cast<T>(gradient.across * static_cast<double>(other) - gradient.along * static_cast<double>(own));
}

// prediction, target and their gradients: (batch, dim) contiguous, T float or double; losses: (batch,) scratch.
// Return nullptr or the launch's error.
template <class T>
const char* launch_byol(const T* prediction, const T* target, std::int64_t batch, std::int64_t dim, double* losses,
                        T* loss, void* stream);
template <class T>
const char* launch_byol_backward(const T* grad_loss, const T* prediction, const T* target, std::int64_t batch,
                                 std::int64_t dim, T* grad_prediction, T* grad_target, void* stream);

}  // namespace singerprint
