// The ops of losses/contrastive.h on tensors: checks, the CPU's loops, the order of CUDA's launches.
#pragma once
#include "core/cuda.h"
#include "core/precompiled.h"
#include "losses/contrastive.h"
#include "losses/embeddings.h"
#include "losses/loss_result.h"
#include "losses/pairwise_tensors.h"
#include "losses/unit_views.h"

namespace singerprint {

template <class Objective>
void check_contrastive(const char* op, const at::Tensor& first, const at::Tensor& second, double temperature) {
  check_embedding_pair(op, "first", first, "second", second);
  if constexpr (Objective::kFewestPairs > 1) check_two_rows(op, "first", first);
  check_temperature(op, temperature);
}

template <class Objective>
TensorPair contrastive_meta(const at::Tensor& first, const at::Tensor& second, double temperature) {
  check_contrastive<Objective>(Objective::kName, first, second, temperature);
  return empty_result(first, first.sym_size(0) * 2);
}

template <class Objective>
TensorPair contrastive_backward_meta(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
                                     const at::Tensor& log_sum_exp, double temperature) {
  constexpr const char* kOp = Objective::kBackwardName;
  check_contrastive<Objective>(kOp, first, second, temperature);
  check_grad_loss(kOp, grad_loss, first);
  TORCH_CHECK_VALUE(log_sum_exp.dim() == 1 && log_sum_exp.sym_size(0) == first.sym_size(0) * 2, kOp,
                    ": log_sum_exp must have shape (2 * batch,) with batch = ", first.sym_size(0), ", got ",
                    log_sum_exp.sym_sizes());
  check_dtype(kOp, "log_sum_exp", log_sum_exp, at::kDouble);
  check_same_device(kOp, "log_sum_exp", log_sum_exp, first);
  return {at::empty_symint(first.sym_sizes(), first.options()), at::empty_symint(first.sym_sizes(), first.options())};
}

struct Anchors {
  at::Tensor margin;      // (2 batch,) float64
  at::Tensor normalizer;  // (2 batch,) float64: the log of the softmax's denominator
};

template <class Objective, class T>
Anchors anchors_of(const at::Tensor& z, const PairwiseProblem& problem, const at::Tensor& log_sum_exp) {
  const Anchors result{at::empty_like(log_sum_exp), at::empty_like(log_sum_exp)};
  const T* const rows = z.const_data_ptr<T>();
  const double* const negatives = log_sum_exp.const_data_ptr<double>();
  double* const margin = result.margin.mutable_data_ptr<double>();
  double* const normalizer = result.normalizer.mutable_data_ptr<double>();
  at::parallel_for(0, problem.rows, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const T* const partner = rows + partner_of(i, problem) * problem.dim;
      const double positive = problem.scale * inner_product(rows + i * problem.dim, partner, problem.dim);
      margin[i] = negatives[i] - positive;
      normalizer[i] = positive + Objective::loss(margin[i]);
    }
  });
  return result;
}

template <class Objective, class T>
TensorPair contrastive_forward(const at::Tensor& first, const at::Tensor& second, double temperature) {
  const TensorPair result = contrastive_meta<Objective>(first, second, temperature);
  const auto& [loss, log_sum_exp] = result;
  const PairwiseProblem problem = contrastive_problem(first.size(0), first.size(1), temperature);
  const at::Tensor z = unit_views<T>({first.contiguous(), second.contiguous()});
  pairwise_log_sum_exp(z.const_data_ptr<T>(), problem, log_sum_exp.template mutable_data_ptr<double>());
  const Anchors anchors = anchors_of<Objective, T>(z, problem, log_sum_exp);
  const double* const margin = anchors.margin.const_data_ptr<double>();
  double total = 0.0;  // in the order of the rows, whatever the number of threads
  for (std::int64_t i = 0; i < problem.rows; ++i) total += Objective::loss(margin[i]);
  *loss.template mutable_data_ptr<T>() = static_cast<T>(total / static_cast<double>(problem.rows));
  return result;
}

// From the product of the negatives to the gradient by z: the positives join, and all is multiplied by `factor`.
template <class Objective, class T>
void add_positives(const T* z, const double* margin, const PairwiseProblem& problem, double factor, T* product) {
  at::parallel_for(0, problem.rows, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t partner = partner_of(i, problem);
      const double pull = Objective::miss(margin[i]) + Objective::miss(margin[partner]);
      const T* const toward = z + partner * problem.dim;
      T* const gradient = product + i * problem.dim;
      for (std::int64_t k = 0; k < problem.dim; ++k) {
        gradient[k] = with_positive(gradient[k], toward[k], pull, factor);
      }
    }
  });
}

template <class Objective, class T>
TensorPair contrastive_gradients(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
                                 const at::Tensor& log_sum_exp, double temperature) {
  const TensorPair result = contrastive_backward_meta<Objective>(grad_loss, first, second, log_sum_exp, temperature);
  const PairwiseProblem problem = contrastive_problem(first.size(0), first.size(1), temperature);
  const at::Tensor views[] = {first.contiguous(), second.contiguous()};
  const at::Tensor z = unit_views<T>(views);
  const Anchors anchors = anchors_of<Objective, T>(z, problem, log_sum_exp.contiguous());
  const at::Tensor gradient = at::empty_like(z);
  T* const dz = gradient.mutable_data_ptr<T>();
  pairwise_softmax_product(z.const_data_ptr<T>(), problem, anchors.normalizer.const_data_ptr<double>(), dz);
  const double factor = contrastive_factor(*grad_loss.const_data_ptr<T>(), problem);
  add_positives<Objective>(z.const_data_ptr<T>(), anchors.margin.const_data_ptr<double>(), problem, factor, dz);
  unit_views_backward<T>(views, gradient, {std::get<0>(result), std::get<1>(result)});
  return result;
}

template <class Objective>
TensorPair contrastive_cpu(const at::Tensor& first, const at::Tensor& second, double temperature) {
  return in_dtype_of(first, [&]<class T>() { return contrastive_forward<Objective, T>(first, second, temperature); });
}

template <class Objective>
TensorPair contrastive_backward_cpu(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
                                    const at::Tensor& log_sum_exp, double temperature) {
  return in_dtype_of(first, [&]<class T>() {
    return contrastive_gradients<Objective, T>(grad_loss, first, second, log_sum_exp, temperature);
  });
}

template <class Objective, class T>
Anchors anchors_cuda(const char* op, const at::Tensor& z, const PairwiseProblem& problem, const at::Tensor& log_sum_exp,
                     void* stream) {
  const Anchors result{at::empty_like(log_sum_exp), at::empty_like(log_sum_exp)};
  check_launch(op, launch_contrastive_margins<Objective>(
                       z.const_data_ptr<T>(), problem, log_sum_exp.const_data_ptr<double>(),
                       result.margin.mutable_data_ptr<double>(), result.normalizer.mutable_data_ptr<double>(), stream));
  return result;
}

template <class Objective, class T>
TensorPair contrastive_forward_cuda(const at::Tensor& first, const at::Tensor& second, double temperature) {
  constexpr const char* kOp = Objective::kName;
  const TensorPair result = contrastive_meta<Objective>(first, second, temperature);
  const auto& [loss, log_sum_exp] = result;
  const c10::DeviceGuard guard(first.device());
  void* const stream = current_stream(first);
  const PairwiseProblem problem = contrastive_problem(first.size(0), first.size(1), temperature);
  const at::Tensor z = unit_views_cuda<T>(kOp, {first.contiguous(), second.contiguous()}, stream);
  pairwise_log_sum_exp_cuda<T>(kOp, z, problem, log_sum_exp, stream);
  const Anchors anchors = anchors_cuda<Objective, T>(kOp, z, problem, log_sum_exp, stream);
  check_launch(kOp, launch_contrastive_loss<Objective>(anchors.margin.const_data_ptr<double>(), problem.rows,
                                                       loss.template mutable_data_ptr<T>(), stream));
  return result;
}

template <class Objective, class T>
TensorPair contrastive_gradients_cuda(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
                                      const at::Tensor& log_sum_exp, double temperature) {
  constexpr const char* kOp = Objective::kBackwardName;
  const TensorPair result = contrastive_backward_meta<Objective>(grad_loss, first, second, log_sum_exp, temperature);
  const c10::DeviceGuard guard(first.device());
  void* const stream = current_stream(first);
  const PairwiseProblem problem = contrastive_problem(first.size(0), first.size(1), temperature);
  const at::Tensor views[] = {first.contiguous(), second.contiguous()};
  const at::Tensor z = unit_views_cuda<T>(kOp, views, stream);
  const Anchors anchors = anchors_cuda<Objective, T>(kOp, z, problem, log_sum_exp.contiguous(), stream);
  const at::Tensor gradient = at::empty_like(z);
  T* const dz = gradient.mutable_data_ptr<T>();
  pairwise_softmax_product_cuda<T>(kOp, z, problem, anchors.normalizer, gradient, stream);
  check_launch(kOp,
               launch_contrastive_positives<Objective>(grad_loss.const_data_ptr<T>(), z.const_data_ptr<T>(),
                                                       anchors.margin.const_data_ptr<double>(), problem, dz, stream));
  unit_views_backward_cuda<T>(kOp, views, gradient, {std::get<0>(result), std::get<1>(result)}, stream);
  return result;
}

template <class Objective>
TensorPair contrastive_cuda(const at::Tensor& first, const at::Tensor& second, double temperature) {
  return in_dtype_of(first,
                     [&]<class T>() { return contrastive_forward_cuda<Objective, T>(first, second, temperature); });
}

template <class Objective>
TensorPair contrastive_backward_cuda(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
                                     const at::Tensor& log_sum_exp, double temperature) {
  return in_dtype_of(first, [&]<class T>() {
    return contrastive_gradients_cuda<Objective, T>(grad_loss, first, second, log_sum_exp, temperature);
  });
}

}  // namespace singerprint
