// alignment: how far apart on the sphere the two views of an example are (Wang & Isola 2020, "Understanding Contrastive
// Representation Learning through Alignment and Uniformity on the Hypersphere", section 4.1.1), the mean over the
// batch.
//   u = first[b] / |first[b]|,  v = second[b] / |second[b]|,  distance[b] = |u - v|
//   loss = 1 / batch sum_b distance[b]^alpha                                     0 to 2^alpha
// distance[b]^2 is the summand of byol (losses/byol.h), so the gradient is byol's, row by row times
//   d distance^alpha / d distance^2 = alpha / 2 * distance^(alpha - 2)
#pragma once
#include <cmath>
#include <cstdint>

#include "losses/byol.h"

namespace singerprint {

// A term of |u - v|^2, of one element of either row and the inverse lengths. Their sum, unlike 2 - 2 * cosine, keeps
// its digits where the rows nearly agree.
template <class T>
SINGERPRINT_HOST_DEVICE inline double squared_difference(T a, double inverse_a, T b, double inverse_b) {
  const double difference = static_cast<double>(a) * inverse_a - static_cast<double>(b) * inverse_b;
  return difference * difference;
}

// `sum` of those terms, but for rows too short to have a direction: they count as orthogonal, as in byol.
SINGERPRINT_HOST_DEVICE inline double squared_distance_of(const ByolRow& row, double sum) {
  const bool too_short = sqrt(row.prediction_squared) < kSmallestLength || sqrt(row.target_squared) < kSmallestLength;
  return too_short ? byol_loss(row) : sum;
}

SINGERPRINT_HOST_DEVICE inline double alignment_loss(double squared_distance, double alpha) {
  return pow(squared_distance, 0.5 * alpha);
}

// 0 where the rows agree and alpha < 2 leaves no slope: the middle of the subgradients.
SINGERPRINT_HOST_DEVICE inline double alignment_slope(double squared_distance, double alpha) {
  if (squared_distance == 0.0 && alpha < 2.0) return 0.0;
  return 0.5 * alpha * pow(squared_distance, 0.5 * alpha - 1.0);
}

// first, second and their gradients: (batch, dim) contiguous, T float or double; losses: (batch,) scratch.
// Return nullptr or the launch's error.
template <class T>
const char* launch_alignment(const T* first, const T* second, std::int64_t batch, std::int64_t dim, double alpha,
                             double* losses, T* loss, void* stream);
template <class T>
const char* launch_alignment_backward(const T* grad_loss, const T* first, const T* second, std::int64_t batch,
                                      std::int64_t dim, double alpha, T* grad_first, T* grad_second, void* stream);

}  // namespace singerprint
