// The kernel of losses/cross_contrastive.h; the .cu of each loss instantiates its launcher.
#pragma once
#include "losses/block_sum.cuh"
#include "losses/cross_contrastive.h"

namespace singerprint {

// One block per anchor.
template <class Objective, class T>
__global__ void cross_anchors_kernel(const T* a, const T* b, CrossProblem problem, double handicap,
                                     const double* log_sum_exp, double* margin, double* normalizer, double* pull) {
  const std::int64_t i = blockIdx.x;
  double cosine = NAN;
  if (has_target(i, problem)) {  // the same for all threads
    cosine = block_inner_product(a + i * problem.dim, b + target_of(i, problem) * problem.dim, problem.dim);
  }
  if (threadIdx.x != 0) return;
  const CrossAnchor anchor = cross_anchor<Objective>(log_sum_exp[i], problem.scale * (cosine - handicap));
  margin[i] = anchor.margin;
  normalizer[i] = anchor.normalizer;
  pull[i] = anchor.pull;
}

template <class Objective, class T>
const char* launch_cross_anchors(const T* a, const T* b, const CrossProblem& problem, double handicap,
                                 const double* log_sum_exp, double* margin, double* normalizer, double* pull,
                                 void* stream) {
  cross_anchors_kernel<Objective><<<grid_x(problem.rows), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      a, b, problem, handicap, log_sum_exp, margin, normalizer, pull);
  return launch_error();
}

}  // namespace singerprint
