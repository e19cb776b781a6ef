#include "losses/supervised_nt_xent.h"

#include "losses/block_sum.cuh"

namespace singerprint {
namespace {

// One block per anchor: all its threads work on one positive after the other.
template <class T>
__global__ void supervised_anchors_kernel(const T* z, PairwiseProblem problem, const double* log_sum_exp,
                                          double* losses, double* normalizer) {
  const std::int64_t i = blockIdx.x;
  const Run run = run_of(i, problem);
  PositiveSums sums;
  for (std::int64_t p = run.begin; p < run.end; ++p) {
    if (p == i) continue;
    const double cosine = block_inner_product(z + i * problem.dim, z + p * problem.dim, problem.dim);
    sums.add(log_sum_exp[i] - problem.scale * cosine);
  }
  if (threadIdx.x != 0) return;
  const SupervisedAnchor anchor = supervised_anchor(sums, run.end - run.begin - 1, log_sum_exp[i]);
  losses[i] = anchor.loss;
  normalizer[i] = anchor.normalizer;
}

// One block: thread t sums losses[t], losses[t + kThreads], ... No anchor: 0 / 0 = NaN.
template <class T>
__global__ void supervised_loss_kernel(const double* losses, std::int64_t rows, const std::int64_t* anchors, T* loss) {
  double sum = 0.0;
  for (std::int64_t i = threadIdx.x; i < rows; i += kThreads) sum += losses[i];
  sum = block_sum(sum);
  if (threadIdx.x == 0) *loss = static_cast<T>(sum / static_cast<double>(*anchors));
}

// One block per row of the product; its threads stride over dim. No anchor: infinity times 0 = NaN.
template <class T>
__global__ void supervised_positives_kernel(const T* grad_loss, const T* z, PairwiseProblem problem,
                                            const double* log_sum_exp, const std::int64_t* anchors, T* product) {
  const std::int64_t i = blockIdx.x;
  const Run run = run_of(i, problem);
  T* const gradient = product + i * problem.dim;
  for (std::int64_t p = run.begin; p < run.end; ++p) {
    if (p == i) continue;
    const T* const toward = z + p * problem.dim;
    const double similarity = problem.scale * block_inner_product(z + i * problem.dim, toward, problem.dim);
    const double pull = supervised_pull(log_sum_exp[i], log_sum_exp[p], similarity, run.end - run.begin - 1);
    for (std::int64_t k = threadIdx.x; k < problem.dim; k += kThreads) {
      gradient[k] = static_cast<T>(static_cast<double>(gradient[k]) - pull * static_cast<double>(toward[k]));
    }
  }
  const double factor = supervised_factor(static_cast<double>(*grad_loss), problem.scale, *anchors);
  for (std::int64_t k = threadIdx.x; k < problem.dim; k += kThreads) {
    gradient[k] = static_cast<T>(factor * static_cast<double>(gradient[k]));
  }
}

}  // namespace

template <class T>
const char* launch_supervised_anchors(const T* z, const PairwiseProblem& problem, const double* log_sum_exp,
                                      double* losses, double* normalizer, void* stream) {
  supervised_anchors_kernel<<<grid_x(problem.rows), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      z, problem, log_sum_exp, losses, normalizer);
  return launch_error();
}

template <class T>
const char* launch_supervised_loss(const double* losses, std::int64_t rows, const std::int64_t* anchors, T* loss,
                                   void* stream) {
  supervised_loss_kernel<<<1, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(losses, rows, anchors, loss);
  return launch_error();
}

template <class T>
const char* launch_supervised_positives(const T* grad_loss, const T* z, const PairwiseProblem& problem,
                                        const double* log_sum_exp, const std::int64_t* anchors, T* product,
                                        void* stream) {
  supervised_positives_kernel<<<grid_x(problem.rows), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      grad_loss, z, problem, log_sum_exp, anchors, product);
  return launch_error();
}

template const char* launch_supervised_anchors(const float*, const PairwiseProblem&, const double*, double*, double*,
                                               void*);
template const char* launch_supervised_anchors(const double*, const PairwiseProblem&, const double*, double*, double*,
                                               void*);
template const char* launch_supervised_loss(const double*, std::int64_t, const std::int64_t*, float*, void*);
template const char* launch_supervised_loss(const double*, std::int64_t, const std::int64_t*, double*, void*);
template const char* launch_supervised_positives(const float*, const float*, const PairwiseProblem&, const double*,
                                                 const std::int64_t*, float*, void*);
template const char* launch_supervised_positives(const double*, const double*, const PairwiseProblem&, const double*,
                                                 const std::int64_t*, double*, void*);

}  // namespace singerprint
