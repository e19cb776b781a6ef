// uniformity: how evenly directions cover the sphere (Wang & Isola 2020, "Understanding Contrastive Representation
// Learning through Alignment and Uniformity on the Hypersphere", section 4.1.2).
//   z = rows of embeddings, each divided by its length;  s[i, j] = <z[i], z[j]>;  |z[i] - z[j]|^2 = 2 - 2 s[i, j]
//   loss = log mean_{i < j} exp(-t |z[i] - z[j]|^2)                              -4 t to 0
//        = log_sum_exp - 2 t - log(batch (batch - 1)),   log_sum_exp = log sum_{i != j} exp(2 t s[i, j])
//   d loss / d z[i] = 2 t sum_{j != i} 2 exp(2 t s[i, j] - log_sum_exp) z[j]
// The sums are those of losses/pairwise.h with the scale 2 t, no partner, and one normaliser for all rows.
#pragma once
#include <cmath>
#include <cstdint>

#include "losses/pairwise.h"

namespace singerprint {

inline PairwiseProblem uniformity_problem(std::int64_t batch, std::int64_t dim, double t) {
  return {batch, dim, 0, 2.0 * t};
}

// loss = log_sum_exp - this
inline double uniformity_offset(const PairwiseProblem& problem) {
  const auto rows = static_cast<double>(problem.rows);
  return problem.scale + std::log(rows * (rows - 1.0));
}

// CUDA: from (rows,) log_sum_exp to the one of all rows and the loss. Returns nullptr or the launch's error.
template <class T>
const char* launch_uniformity_loss(const double* of_row, std::int64_t rows, double offset, double* log_sum_exp, T* loss,
                                   void* stream);

}  // namespace singerprint
