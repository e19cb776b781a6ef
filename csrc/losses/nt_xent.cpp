#include "losses/nt_xent.h"

#include <tuple>

#include "core/cuda.h"
#include "core/precompiled.h"
#include "losses/embeddings.h"
#include "losses/unit_rows.h"

namespace singerprint {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;
constexpr std::int64_t kRowsPerTask = 64;

Pair nt_xent_meta(const at::Tensor& first, const at::Tensor& second, double temperature) {
  check_embedding_pair("nt_xent", "first", first, "second", second);
  check_temperature("nt_xent", temperature);
  return {at::empty({}, first.options()),
          at::empty_symint({first.sym_size(0) * 2}, first.options().dtype(at::kDouble))};
}

Pair nt_xent_backward_meta(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
                           const at::Tensor& log_sum_exp, double temperature) {
  constexpr const char* kOp = "nt_xent_backward";
  check_embedding_pair(kOp, "first", first, "second", second);
  check_grad_loss(kOp, grad_loss, first);
  TORCH_CHECK_VALUE(log_sum_exp.dim() == 1 && log_sum_exp.sym_size(0) == first.sym_size(0) * 2, kOp,
                    ": log_sum_exp must have shape (2 * batch,) with batch = ", first.sym_size(0), ", got ",
                    log_sum_exp.sym_sizes());
  check_dtype(kOp, "log_sum_exp", log_sum_exp, at::kDouble);
  check_same_device(kOp, "log_sum_exp", log_sum_exp, first);
  check_temperature(kOp, temperature);
  return {at::empty_symint(first.sym_sizes(), first.options()), at::empty_symint(first.sym_sizes(), first.options())};
}

// The rows of both views, divided by their lengths: (2 batch, dim).
template <class T>
at::Tensor unit_views(const at::Tensor& first, const at::Tensor& second) {
  const std::int64_t batch = first.size(0);
  const std::int64_t dim = first.size(1);
  at::Tensor z = at::empty({2 * batch, dim}, first.options());
  const T* const views[] = {first.const_data_ptr<T>(), second.const_data_ptr<T>()};
  T* const to = z.mutable_data_ptr<T>();
  at::parallel_for(0, 2 * batch, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) unit_row(views[i / batch] + i % batch * dim, dim, to + i * dim);
  });
  return z;
}

struct Anchors {
  at::Tensor margin;      // (2 batch,) float64
  at::Tensor normalizer;  // (2 batch,) float64: the log sum exp with the positive in it
};

template <class T>
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
      normalizer[i] = positive + anchor_loss(margin[i]);
    }
  });
  return result;
}

template <class T>
Pair forward(const at::Tensor& first, const at::Tensor& second, double temperature) {
  const Pair result = nt_xent_meta(first, second, temperature);
  const auto& [loss, log_sum_exp] = result;
  const PairwiseProblem problem = nt_xent_problem(first.size(0), first.size(1), temperature);
  const at::Tensor z = unit_views<T>(first.contiguous(), second.contiguous());
  pairwise_log_sum_exp(z.const_data_ptr<T>(), problem, log_sum_exp.template mutable_data_ptr<double>());
  const Anchors anchors = anchors_of<T>(z, problem, log_sum_exp);
  double total = 0.0;
  for (std::int64_t i = 0; i < problem.rows; ++i) total += anchor_loss(anchors.margin.const_data_ptr<double>()[i]);
  *loss.template mutable_data_ptr<T>() = static_cast<T>(total / static_cast<double>(problem.rows));
  return result;
}

// From the product of the negatives to the gradient by z: the positives join, and all is multiplied by `factor`.
template <class T>
void add_positives(const T* z, const double* margin, const PairwiseProblem& problem, double factor, T* product) {
  at::parallel_for(0, problem.rows, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t partner = partner_of(i, problem);
      const double pull = anchor_miss(margin[i]) + anchor_miss(margin[partner]);
      const T* const toward = z + partner * problem.dim;
      T* const gradient = product + i * problem.dim;
      for (std::int64_t k = 0; k < problem.dim; ++k) {
        gradient[k] = with_positive(gradient[k], toward[k], pull, factor);
      }
    }
  });
}

template <class T>
Pair backward(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
              const at::Tensor& log_sum_exp, double temperature) {
  const Pair result = nt_xent_backward_meta(grad_loss, first, second, log_sum_exp, temperature);
  const std::int64_t batch = first.size(0);
  const std::int64_t dim = first.size(1);
  const PairwiseProblem problem = nt_xent_problem(batch, dim, temperature);
  const at::Tensor views[] = {first.contiguous(), second.contiguous()};
  const at::Tensor z = unit_views<T>(views[0], views[1]);
  const Anchors anchors = anchors_of<T>(z, problem, log_sum_exp.contiguous());
  at::Tensor gradient = at::empty_like(z);
  T* const dz = gradient.mutable_data_ptr<T>();
  pairwise_softmax_product(z.const_data_ptr<T>(), problem, anchors.normalizer.const_data_ptr<double>(), dz);
  const double factor = nt_xent_factor(*grad_loss.const_data_ptr<T>(), problem);
  add_positives(z.const_data_ptr<T>(), anchors.margin.const_data_ptr<double>(), problem, factor, dz);
  const T* const from[] = {views[0].const_data_ptr<T>(), views[1].const_data_ptr<T>()};
  T* const to[] = {std::get<0>(result).template mutable_data_ptr<T>(),
                   std::get<1>(result).template mutable_data_ptr<T>()};
  at::parallel_for(0, problem.rows, kRowsPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t row = i % batch * dim;
      unit_row_backward(from[i / batch] + row, dz + i * dim, dim, to[i / batch] + row);
    }
  });
  return result;
}

Pair nt_xent_cpu(const at::Tensor& first, const at::Tensor& second, double temperature) {
  return first.scalar_type() == at::kDouble ? forward<double>(first, second, temperature)
                                            : forward<float>(first, second, temperature);
}

Pair nt_xent_backward_cpu(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
                          const at::Tensor& log_sum_exp, double temperature) {
  return first.scalar_type() == at::kDouble ? backward<double>(grad_loss, first, second, log_sum_exp, temperature)
                                            : backward<float>(grad_loss, first, second, log_sum_exp, temperature);
}

template <class T>
at::Tensor unit_views_cuda(const at::Tensor& first, const at::Tensor& second, void* stream) {
  const std::int64_t batch = first.size(0);
  const std::int64_t dim = first.size(1);
  at::Tensor z = at::empty({2 * batch, dim}, first.options());
  T* const to = z.mutable_data_ptr<T>();
  check_launch("nt_xent", launch_unit_rows(first.contiguous().const_data_ptr<T>(), batch, dim, to, stream));
  check_launch("nt_xent",
               launch_unit_rows(second.contiguous().const_data_ptr<T>(), batch, dim, to + batch * dim, stream));
  return z;
}

template <class T>
Anchors anchors_cuda(const at::Tensor& z, const PairwiseProblem& problem, const at::Tensor& log_sum_exp, void* stream) {
  const Anchors result{at::empty_like(log_sum_exp), at::empty_like(log_sum_exp)};
  check_launch("nt_xent", launch_nt_xent_margins(z.const_data_ptr<T>(), problem, log_sum_exp.const_data_ptr<double>(),
                                                 result.margin.mutable_data_ptr<double>(),
                                                 result.normalizer.mutable_data_ptr<double>(), stream));
  return result;
}

template <class T>
Pair forward_cuda(const at::Tensor& first, const at::Tensor& second, double temperature) {
  const Pair result = nt_xent_meta(first, second, temperature);
  const auto& [loss, log_sum_exp] = result;
  const c10::DeviceGuard guard(first.device());
  void* const stream = current_stream(first);
  const PairwiseProblem problem = nt_xent_problem(first.size(0), first.size(1), temperature);
  const at::Tensor z = unit_views_cuda<T>(first, second, stream);
  check_launch("nt_xent", launch_pairwise_log_sum_exp(z.const_data_ptr<T>(), problem,
                                                      log_sum_exp.template mutable_data_ptr<double>(), stream));
  const Anchors anchors = anchors_cuda<T>(z, problem, log_sum_exp, stream);
  check_launch("nt_xent", launch_nt_xent_loss(anchors.margin.const_data_ptr<double>(), problem.rows,
                                              loss.template mutable_data_ptr<T>(), stream));
  return result;
}

template <class T>
Pair backward_cuda(const at::Tensor& grad_loss, const at::Tensor& first, const at::Tensor& second,
                   const at::Tensor& log_sum_exp, double temperature) {
  const Pair result = nt_xent_backward_meta(grad_loss, first, second, log_sum_exp, temperature);
  const c10::DeviceGuard guard(first.device());
  void* const stream = current_stream(first);
  const std::int64_t batch = first.size(0);
  const std::int64_t dim = first.size(1);
  const PairwiseProblem problem = nt_xent_problem(batch, dim, temperature);
  const at::Tensor z = unit_views_cuda<T>(first, second, stream);
  const Anchors anchors = anchors_cuda<T>(z, problem, log_sum_exp.contiguous(), stream);
  at::Tensor gradient = at::empty_like(z);
  T* const dz = gradient.mutable_data_ptr<T>();
  check_launch("nt_xent_backward",
               launch_pairwise_softmax_product(z.const_data_ptr<T>(), problem,
                                               anchors.normalizer.const_data_ptr<double>(), dz, stream));
  check_launch("nt_xent_backward",
               launch_nt_xent_positives(grad_loss.const_data_ptr<T>(), z.const_data_ptr<T>(),
                                        anchors.margin.const_data_ptr<double>(), problem, dz, stream));
  check_launch("nt_xent_backward",
               launch_unit_rows_backward(first.contiguous().const_data_ptr<T>(), dz, batch, dim,
                                         std::get<0>(result).template mutable_data_ptr<T>(), stream));
  check_launch("nt_xent_backward",
               launch_unit_rows_backward(second.contiguous().const_data_ptr<T>(), dz + batch * dim, batch, dim,
                                         std::get<1>(result).template mutable_data_ptr<T>(), stream));
  return result;
}

[[maybe_unused]] Pair nt_xent_cuda(const at::Tensor& first, const at::Tensor& second, double temperature) {
  return first.scalar_type() == at::kDouble ? forward_cuda<double>(first, second, temperature)
                                            : forward_cuda<float>(first, second, temperature);
}

[[maybe_unused]] Pair nt_xent_backward_cuda(const at::Tensor& grad_loss, const at::Tensor& first,
                                            const at::Tensor& second, const at::Tensor& log_sum_exp,
                                            double temperature) {
  return first.scalar_type() == at::kDouble ? backward_cuda<double>(grad_loss, first, second, log_sum_exp, temperature)
                                            : backward_cuda<float>(grad_loss, first, second, log_sum_exp, temperature);
}

}  // namespace

// The derivative of nt_xent is registered in Python (singerprint/losses/nt_xent.py); second derivatives are refused.
TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("nt_xent(Tensor first, Tensor second, float temperature) -> (Tensor loss, Tensor log_sum_exp)");
  library.def(
      "nt_xent_backward(Tensor grad_loss, Tensor first, Tensor second, Tensor log_sum_exp, float temperature) "
      "-> (Tensor grad_first, Tensor grad_second)");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) {
  library.impl("nt_xent", &nt_xent_meta);
  library.impl("nt_xent_backward", &nt_xent_backward_meta);
}
TORCH_LIBRARY_IMPL(singerprint, CPU, library) {
  library.impl("nt_xent", &nt_xent_cpu);
  library.impl("nt_xent_backward", &nt_xent_backward_cpu);
}
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("nt_xent_backward", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(nt_xent)
SINGERPRINT_REGISTER_CUDA(nt_xent_backward)

}  // namespace singerprint
