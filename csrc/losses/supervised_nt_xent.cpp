#include "losses/supervised_nt_xent.h"

#include <ATen/ops/searchsorted.h>

#include <vector>

#include "core/cuda.h"
#include "losses/embeddings.h"
#include "losses/loss_result.h"
#include "losses/pairwise_tensors.h"
#include "losses/unit_views.h"

namespace singerprint {
namespace {

constexpr const char* kOp = "supervised_nt_xent";
constexpr const char* kBackwardOp = "supervised_nt_xent_backward";
constexpr std::int64_t kAnchorsPerTask = 8;  // an anchor may have many positives

void check_arguments(const char* op, const at::Tensor& embeddings, const at::Tensor& singers, double temperature) {
  check_embeddings(op, "embeddings", embeddings);
  check_two_rows(op, "embeddings", embeddings);
  check_per_clip(op, "singers", singers, at::kLong, embeddings);
  check_temperature(op, temperature);
}

TensorPair supervised_nt_xent_meta(const at::Tensor& embeddings, const at::Tensor& singers, double temperature) {
  check_arguments(kOp, embeddings, singers, temperature);
  return empty_result(embeddings, embeddings.sym_size(0));
}

at::Tensor supervised_nt_xent_backward_meta(const at::Tensor& grad_loss, const at::Tensor& embeddings,
                                            const at::Tensor& singers, const at::Tensor& log_sum_exp,
                                            double temperature) {
  check_arguments(kBackwardOp, embeddings, singers, temperature);
  check_grad_loss(kBackwardOp, grad_loss, embeddings);
  check_per_clip(kBackwardOp, "log_sum_exp", log_sum_exp, at::kDouble, embeddings);
  return at::empty_symint(embeddings.sym_sizes(), embeddings.options());
}

// The rows sorted by singer, on any device without a look at the values.
struct SortedRows {
  at::Tensor order;       // (batch,) int64: the row of `embeddings` that comes i-th
  at::Tensor run_begin;   // (batch,) int64: the run of the i-th row's singer
  at::Tensor run_end;     // (batch,) int64
  at::Tensor anchors;     // () int64: the rows with a positive
  at::Tensor embeddings;  // (batch, dim) contiguous

  SortedRows(const at::Tensor& unsorted, const at::Tensor& singers) {
    at::Tensor sorted;
    std::tie(sorted, order) = singers.sort(std::optional<bool>(true), 0);  // stable
    run_begin = at::searchsorted(sorted, sorted);
    run_end = at::searchsorted(sorted, sorted, /*out_int32=*/false, /*right=*/true);
    anchors = run_end.sub(run_begin).gt(1).sum();
    embeddings = unsorted.index_select(0, order);
  }

  PairwiseProblem problem(double temperature) const {
    return {embeddings.size(0),
            embeddings.size(1),
            0,
            1.0 / temperature,
            run_begin.const_data_ptr<std::int64_t>(),
            run_end.const_data_ptr<std::int64_t>()};
  }
};

// visit(p, s[i, p]) of every positive of i, in order.
template <class T, class Visit>
void for_each_positive(const T* z, const PairwiseProblem& problem, std::int64_t i, const Visit& visit) {
  const Run run = run_of(i, problem);
  for (std::int64_t p = run.begin; p < run.end; ++p) {
    if (p != i) visit(p, problem.scale * inner_product(z + i * problem.dim, z + p * problem.dim, problem.dim));
  }
}

template <class T>
std::vector<SupervisedAnchor> anchors_of(const T* z, const PairwiseProblem& problem, const double* log_sum_exp) {
  std::vector<SupervisedAnchor> result(problem.rows);
  at::parallel_for(0, problem.rows, kAnchorsPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      PositiveSums sums;
      for_each_positive(z, problem, i, [&](std::int64_t, double similarity) { sums.add(log_sum_exp[i] - similarity); });
      const Run run = run_of(i, problem);
      result[i] = supervised_anchor(sums, run.end - run.begin - 1, log_sum_exp[i]);
    }
  });
  return result;
}

template <class T>
TensorPair forward(const at::Tensor& embeddings, const at::Tensor& singers, double temperature) {
  const TensorPair result = supervised_nt_xent_meta(embeddings, singers, temperature);
  const auto& [loss, log_sum_exp] = result;
  const SortedRows sorted(embeddings, singers);
  const auto anchors = static_cast<double>(*sorted.anchors.const_data_ptr<std::int64_t>());
  TORCH_CHECK_VALUE(anchors > 0, kOp, ": singers must hold at least one singer twice, got ", embeddings.size(0),
                    " different ones");
  const PairwiseProblem problem = sorted.problem(temperature);
  const at::Tensor z = unit_views<T>(sorted.embeddings);
  double* const negatives = log_sum_exp.template mutable_data_ptr<double>();
  pairwise_log_sum_exp(z.const_data_ptr<T>(), problem, negatives);
  double total = 0.0;  // in the order of the rows, whatever the number of threads
  for (const SupervisedAnchor& anchor : anchors_of(z.const_data_ptr<T>(), problem, negatives)) total += anchor.loss;
  *loss.template mutable_data_ptr<T>() = static_cast<T>(total / anchors);
  return result;
}

// From the product of the negatives to the gradient by z: the positives join, and all is multiplied by `factor`.
template <class T>
void add_positives(const T* z, const PairwiseProblem& problem, const double* log_sum_exp, double factor, T* product) {
  const std::int64_t dim = problem.dim;
  at::parallel_for(0, problem.rows, kAnchorsPerTask, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> sum(dim);
    for (std::int64_t i = begin; i < end; ++i) {
      T* const gradient = product + i * dim;
      const Run run = run_of(i, problem);
      sum.assign(gradient, gradient + dim);
      for_each_positive(z, problem, i, [&](std::int64_t p, double similarity) {
        const double pull = supervised_pull(log_sum_exp[i], log_sum_exp[p], similarity, run.end - run.begin - 1);
        for (std::int64_t k = 0; k < dim; ++k) sum[k] -= pull * static_cast<double>(z[p * dim + k]);
      });
      for (std::int64_t k = 0; k < dim; ++k) gradient[k] = static_cast<T>(factor * sum[k]);
    }
  });
}

template <class T>
at::Tensor backward(const at::Tensor& grad_loss, const at::Tensor& embeddings, const at::Tensor& singers,
                    const at::Tensor& log_sum_exp, double temperature) {
  const at::Tensor result = supervised_nt_xent_backward_meta(grad_loss, embeddings, singers, log_sum_exp, temperature);
  const SortedRows sorted(embeddings, singers);
  const PairwiseProblem problem = sorted.problem(temperature);
  const at::Tensor z = unit_views<T>(sorted.embeddings);
  const at::Tensor contiguous = log_sum_exp.contiguous();
  const double* const negatives = contiguous.const_data_ptr<double>();
  std::vector<double> normalizer;
  for (const SupervisedAnchor& anchor : anchors_of(z.const_data_ptr<T>(), problem, negatives)) {
    normalizer.push_back(anchor.normalizer);
  }
  const at::Tensor gradient = at::empty_like(z);
  T* const dz = gradient.mutable_data_ptr<T>();
  pairwise_softmax_product(z.const_data_ptr<T>(), problem, normalizer.data(), dz);
  const double factor =
      supervised_factor(*grad_loss.const_data_ptr<T>(), problem.scale, *sorted.anchors.const_data_ptr<std::int64_t>());
  add_positives(z.const_data_ptr<T>(), problem, negatives, factor, dz);
  unit_views_backward<T>(sorted.embeddings, gradient, gradient);  // in place: element by element
  return result.index_copy_(0, sorted.order, gradient);
}

TensorPair supervised_nt_xent_cpu(const at::Tensor& embeddings, const at::Tensor& singers, double temperature) {
  return in_dtype_of(embeddings, [&]<class T>() { return forward<T>(embeddings, singers, temperature); });
}

at::Tensor supervised_nt_xent_backward_cpu(const at::Tensor& grad_loss, const at::Tensor& embeddings,
                                           const at::Tensor& singers, const at::Tensor& log_sum_exp,
                                           double temperature) {
  return in_dtype_of(embeddings,
                     [&]<class T>() { return backward<T>(grad_loss, embeddings, singers, log_sum_exp, temperature); });
}

template <class T>
TensorPair forward_cuda(const at::Tensor& embeddings, const at::Tensor& singers, double temperature) {
  const TensorPair result = supervised_nt_xent_meta(embeddings, singers, temperature);
  const auto& [loss, log_sum_exp] = result;
  const c10::DeviceGuard guard(embeddings.device());
  void* const stream = current_stream(embeddings);
  const SortedRows sorted(embeddings, singers);
  const PairwiseProblem problem = sorted.problem(temperature);
  const at::Tensor z = unit_views_cuda<T>(kOp, sorted.embeddings, stream);
  double* const negatives = log_sum_exp.template mutable_data_ptr<double>();
  pairwise_log_sum_exp_cuda<T>(kOp, z, problem, log_sum_exp, stream);
  const at::Tensor losses = at::empty_like(log_sum_exp);
  const at::Tensor normalizer = at::empty_like(log_sum_exp);
  check_launch(kOp,
               launch_supervised_anchors(z.const_data_ptr<T>(), problem, negatives, losses.mutable_data_ptr<double>(),
                                         normalizer.mutable_data_ptr<double>(), stream));
  check_launch(kOp, launch_supervised_loss(losses.const_data_ptr<double>(), problem.rows,
                                           sorted.anchors.const_data_ptr<std::int64_t>(),
                                           loss.template mutable_data_ptr<T>(), stream));
  return result;
}

template <class T>
at::Tensor backward_cuda(const at::Tensor& grad_loss, const at::Tensor& embeddings, const at::Tensor& singers,
                         const at::Tensor& log_sum_exp, double temperature) {
  const at::Tensor result = supervised_nt_xent_backward_meta(grad_loss, embeddings, singers, log_sum_exp, temperature);
  const c10::DeviceGuard guard(embeddings.device());
  void* const stream = current_stream(embeddings);
  const SortedRows sorted(embeddings, singers);
  const PairwiseProblem problem = sorted.problem(temperature);
  const at::Tensor z = unit_views_cuda<T>(kBackwardOp, sorted.embeddings, stream);
  const at::Tensor contiguous = log_sum_exp.contiguous();
  const double* const negatives = contiguous.const_data_ptr<double>();
  const at::Tensor losses = at::empty_like(contiguous);
  const at::Tensor normalizer = at::empty_like(contiguous);
  check_launch(kBackwardOp,
               launch_supervised_anchors(z.const_data_ptr<T>(), problem, negatives, losses.mutable_data_ptr<double>(),
                                         normalizer.mutable_data_ptr<double>(), stream));
  const at::Tensor gradient = at::empty_like(z);
  T* const dz = gradient.mutable_data_ptr<T>();
  pairwise_softmax_product_cuda<T>(kBackwardOp, z, problem, normalizer, gradient, stream);
  check_launch(kBackwardOp,
               launch_supervised_positives(grad_loss.const_data_ptr<T>(), z.const_data_ptr<T>(), problem, negatives,
                                           sorted.anchors.const_data_ptr<std::int64_t>(), dz, stream));
  unit_views_backward_cuda<T>(kBackwardOp, sorted.embeddings, gradient, gradient,
                              stream);  // in place: element by element
  return result.index_copy_(0, sorted.order, gradient);
}

[[maybe_unused]] TensorPair supervised_nt_xent_cuda(const at::Tensor& embeddings, const at::Tensor& singers,
                                                    double temperature) {
  return in_dtype_of(embeddings, [&]<class T>() { return forward_cuda<T>(embeddings, singers, temperature); });
}

[[maybe_unused]] at::Tensor supervised_nt_xent_backward_cuda(const at::Tensor& grad_loss, const at::Tensor& embeddings,
                                                             const at::Tensor& singers, const at::Tensor& log_sum_exp,
                                                             double temperature) {
  return in_dtype_of(embeddings, [&]<class T>() {
    return backward_cuda<T>(grad_loss, embeddings, singers, log_sum_exp, temperature);
  });
}

}  // namespace

// The derivative of supervised_nt_xent is registered in Python (singerprint/losses/supervised_nt_xent.py); second
// derivatives are refused.
TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def(
      "supervised_nt_xent(Tensor embeddings, Tensor singers, float temperature) -> (Tensor loss, Tensor log_sum_exp)");
  library.def(
      "supervised_nt_xent_backward(Tensor grad_loss, Tensor embeddings, Tensor singers, Tensor log_sum_exp, "
      "float temperature) -> Tensor grad_embeddings");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) {
  library.impl("supervised_nt_xent", &supervised_nt_xent_meta);
  library.impl("supervised_nt_xent_backward", &supervised_nt_xent_backward_meta);
}
TORCH_LIBRARY_IMPL(singerprint, CPU, library) {
  library.impl("supervised_nt_xent", &supervised_nt_xent_cpu);
  library.impl("supervised_nt_xent_backward", &supervised_nt_xent_backward_cpu);
}
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("supervised_nt_xent_backward", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(supervised_nt_xent)
SINGERPRINT_REGISTER_CUDA(supervised_nt_xent_backward)

}  // namespace singerprint
