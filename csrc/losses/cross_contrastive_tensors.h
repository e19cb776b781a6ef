// The losses of losses/cross_contrastive.h on tensors: the CPU's loops, the order of CUDA's launches. Checks and
// results are each op's own. first: (rows, dim), second: (columns, dim); log_sum_exp: (rows,) float64.
#pragma once
#include "core/cuda.h"
#include "core/precompiled.h"
#include "losses/cross_contrastive.h"
#include "losses/embeddings.h"
#include "losses/loss_result.h"
#include "losses/pairwise_tensors.h"
#include "losses/unit_views.h"

namespace singerprint {

struct CrossAnchors {  // (rows,) float64 each, as in CrossAnchor
  at::Tensor margin;
  at::Tensor normalizer;
  at::Tensor pull;

  explicit CrossAnchors(const at::Tensor& log_sum_exp)
      : margin(at::empty_like(log_sum_exp)), normalizer(at::empty_like(margin)), pull(at::empty_like(margin)) {}
};

template <class Objective, class T>
CrossAnchors cross_anchors(const at::Tensor& a, const at::Tensor& b, const CrossProblem& problem, double handicap,
                           const at::Tensor& log_sum_exp) {
  const CrossAnchors result(log_sum_exp);
  const std::int64_t dim = problem.dim;
  const T* const rows = a.const_data_ptr<T>();
  const T* const columns = b.const_data_ptr<T>();
  const double* const negatives = log_sum_exp.const_data_ptr<double>();
  double* const margin = result.margin.mutable_data_ptr<double>();
  double* const normalizer = result.normalizer.mutable_data_ptr<double>();
  double* const pull = result.pull.mutable_data_ptr<double>();
  at::parallel_for(0, problem.rows, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const double cosine = inner_product(rows + i * dim, columns + target_of(i, problem) * dim, dim);
      const CrossAnchor anchor = cross_anchor<Objective>(negatives[i], problem.scale * (cosine - handicap));
      margin[i] = anchor.margin;
      normalizer[i] = anchor.normalizer;
      pull[i] = anchor.pull;
    }
  });
  return result;
}

// result: the loss and log_sum_exp.
template <class Objective, class T>
void cross_loss_of(const at::Tensor& first, const at::Tensor& second, const CrossProblem& problem, double handicap,
                   const TensorPair& result) {
  const auto& [loss, log_sum_exp] = result;
  const at::Tensor a = unit_views<T>(first.contiguous());
  const at::Tensor b = unit_views<T>(second.contiguous());
  cross_log_sum_exp(a.const_data_ptr<T>(), b.const_data_ptr<T>(), problem,
                    log_sum_exp.template mutable_data_ptr<double>());
  const CrossAnchors anchors = cross_anchors<Objective, T>(a, b, problem, handicap, log_sum_exp);
  const double* const margin = anchors.margin.template const_data_ptr<double>();
  double total = 0.0;  // in the order of the rows, whatever the number of threads
  for (std::int64_t i = 0; i < problem.rows; ++i) total += Objective::loss(margin[i]);
  *loss.template mutable_data_ptr<T>() = static_cast<T>(total / static_cast<double>(problem.rows));
}

template <class Objective>
void cross_loss(const at::Tensor& first, const at::Tensor& second, const CrossProblem& problem, double handicap,
                const TensorPair& result) {
  in_dtype_of(first, [&]<class T>() { cross_loss_of<Objective, T>(first, second, problem, handicap, result); });
}

// From the products to the gradients by a and b, without a look at the values: on CUDA it waits for nothing.
inline void scale_products(const at::Tensor& grad_a, const at::Tensor& grad_b, const at::Tensor& grad_loss,
                           const CrossProblem& problem) {
  const at::Tensor factor = grad_loss.mul(problem.scale / static_cast<double>(problem.rows));
  grad_a.mul_(factor);
  grad_b.mul_(factor);
}

// result: the gradients by first and second.
template <class Objective, class T>
void cross_gradients_of(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
                        const at::Tensor& log_sum_exp, const CrossProblem& problem, double handicap,
                        const TensorPair& result) {
  const at::Tensor rows = first.contiguous();
  const at::Tensor columns = second.contiguous();
  const at::Tensor a = unit_views<T>(rows);
  const at::Tensor b = unit_views<T>(columns);
  const CrossAnchors anchors = cross_anchors<Objective, T>(a, b, problem, handicap, log_sum_exp.contiguous());
  const at::Tensor grad_a = at::empty_like(a);
  const at::Tensor grad_b = at::empty_like(b);
  cross_softmax_products(
      a.const_data_ptr<T>(), b.const_data_ptr<T>(), problem, anchors.normalizer.template const_data_ptr<double>(),
      anchors.pull.template const_data_ptr<double>(), grad_a.mutable_data_ptr<T>(), grad_b.mutable_data_ptr<T>());
  scale_products(grad_a, grad_b, grad_loss, problem);
  unit_views_backward<T>(rows, grad_a, std::get<0>(result));
  unit_views_backward<T>(columns, grad_b, std::get<1>(result));
}

template <class Objective>
void cross_gradients(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
                     const at::Tensor& log_sum_exp, const CrossProblem& problem, double handicap,
                     const TensorPair& result) {
  in_dtype_of(first, [&]<class T>() {
    cross_gradients_of<Objective, T>(grad_loss, first, second, log_sum_exp, problem, handicap, result);
  });
}

template <class Objective, class T>
CrossAnchors cross_anchors_cuda(const char* op, const at::Tensor& a, const at::Tensor& b, const CrossProblem& problem,
                                double handicap, const at::Tensor& log_sum_exp, void* stream) {
  const CrossAnchors result(log_sum_exp);
  check_launch(op, launch_cross_anchors<Objective>(
                       a.const_data_ptr<T>(), b.const_data_ptr<T>(), problem, handicap,
                       log_sum_exp.const_data_ptr<double>(), result.margin.mutable_data_ptr<double>(),
                       result.normalizer.mutable_data_ptr<double>(), result.pull.mutable_data_ptr<double>(), stream));
  return result;
}

template <class Objective, class T>
void cross_loss_of_cuda(const char* op, const at::Tensor& first, const at::Tensor& second, const CrossProblem& problem,
                        double handicap, const TensorPair& result) {
  const auto& [loss, log_sum_exp] = result;
  const c10::DeviceGuard guard(first.device());
  void* const stream = current_stream(first);
  const at::Tensor a = unit_views_cuda<T>(op, first.contiguous(), stream);
  const at::Tensor b = unit_views_cuda<T>(op, second.contiguous(), stream);
  cross_log_sum_exp_cuda<T>(op, a, b, problem, log_sum_exp, stream);
  const CrossAnchors anchors = cross_anchors_cuda<Objective, T>(op, a, b, problem, handicap, log_sum_exp, stream);
  check_launch(op, launch_contrastive_loss<Objective>(anchors.margin.template const_data_ptr<double>(), problem.rows,
                                                      loss.template mutable_data_ptr<T>(), stream));
}

template <class Objective>
void cross_loss_cuda(const char* op, const at::Tensor& first, const at::Tensor& second, const CrossProblem& problem,
                     double handicap, const TensorPair& result) {
  in_dtype_of(first,
              [&]<class T>() { cross_loss_of_cuda<Objective, T>(op, first, second, problem, handicap, result); });
}

template <class Objective, class T>
void cross_gradients_of_cuda(const char* op, const at::Tensor& grad_loss, const at::Tensor& first,
                             const at::Tensor& second, const at::Tensor& log_sum_exp, const CrossProblem& problem,
                             double handicap, const TensorPair& result) {
  const c10::DeviceGuard guard(first.device());
  void* const stream = current_stream(first);
  const at::Tensor rows = first.contiguous();
  const at::Tensor columns = second.contiguous();
  const at::Tensor a = unit_views_cuda<T>(op, rows, stream);
  const at::Tensor b = unit_views_cuda<T>(op, columns, stream);
  const CrossAnchors anchors =
      cross_anchors_cuda<Objective, T>(op, a, b, problem, handicap, log_sum_exp.contiguous(), stream);
  const at::Tensor grad_a = at::empty_like(a);
  const at::Tensor grad_b = at::empty_like(b);
  cross_softmax_products_cuda<T>(op, a, b, problem, anchors.normalizer, anchors.pull, grad_a, grad_b, stream);
  scale_products(grad_a, grad_b, grad_loss, problem);
  unit_views_backward_cuda<T>(op, rows, grad_a, std::get<0>(result), stream);
  unit_views_backward_cuda<T>(op, columns, grad_b, std::get<1>(result), stream);
}

template <class Objective>
void cross_gradients_cuda(const char* op, const at::Tensor& grad_loss, const at::Tensor& first,
                          const at::Tensor& second, const at::Tensor& log_sum_exp, const CrossProblem& problem,
                          double handicap, const TensorPair& result) {
  in_dtype_of(first, [&]<class T>() {
    cross_gradients_of_cuda<Objective, T>(op, grad_loss, first, second, log_sum_exp, problem, handicap, result);
  });
}

}  // namespace singerprint
