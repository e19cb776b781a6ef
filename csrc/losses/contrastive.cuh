// The kernels of losses/contrastive.h; each objective's .cu instantiates the launchers for itself.
#pragma once
#include "losses/block_sum.cuh"
#include "losses/contrastive.h"

namespace singerprint {

// One block per anchor.
template <class Objective, class T>
__global__ void margins_kernel(const T* z, PairwiseProblem problem, const double* log_sum_exp, double* margin,
                               double* normalizer) {
  const std::int64_t i = blockIdx.x;
  const T* const partner = z + partner_of(i, problem) * problem.dim;
  const double positive = problem.scale * block_inner_product(z + i * problem.dim, partner, problem.dim);
  if (threadIdx.x != 0) return;
  margin[i] = log_sum_exp[i] - positive;
  normalizer[i] = positive + Objective::loss(margin[i]);
}

template <class Objective>
struct LossOfMargin {
  __device__ double operator()(double margin) const { return Objective::loss(margin); }
};

// One block per row of the product; its threads stride over dim.
template <class Objective, class T>
__global__ void positives_kernel(const T* grad_loss, const T* z, const double* margin, PairwiseProblem problem,
                                 T* product) {
  const std::int64_t i = blockIdx.x;
  const std::int64_t partner = partner_of(i, problem);
  const double factor = contrastive_factor(static_cast<double>(*grad_loss), problem);
  const double pull = Objective::miss(margin[i]) + Objective::miss(margin[partner]);
  for (std::int64_t k = threadIdx.x; k < problem.dim; k += kThreads) {
    T& gradient = product[i * problem.dim + k];
    gradient = with_positive(gradient, z[partner * problem.dim + k], pull, factor);
  }
}

template <class Objective, class T>
const char* launch_contrastive_margins(const T* z, const PairwiseProblem& problem, const double* log_sum_exp,
                                       double* margin, double* normalizer, void* stream) {
  margins_kernel<Objective><<<grid_x(problem.rows), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      z, problem, log_sum_exp, margin, normalizer);
  return launch_error();
}

template <class Objective, class T>
const char* launch_contrastive_loss(const double* margin, std::int64_t anchors, T* loss, void* stream) {
  mean_kernel<<<1, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(margin, anchors, LossOfMargin<Objective>{}, loss);
  return launch_error();
}

template <class Objective, class T>
const char* launch_contrastive_positives(const T* grad_loss, const T* z, const double* margin,
                                         const PairwiseProblem& problem, T* product, void* stream) {
  positives_kernel<Objective><<<grid_x(problem.rows), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      grad_loss, z, margin, problem, product);
  return launch_error();
}

}  // namespace singerprint
