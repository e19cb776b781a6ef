// The CUDA launches of losses/pairwise.h and losses/cross_pairwise.h on tensors: their memory from PyTorch's allocator,
// their precision from its switch. T: float or double, as all tensors but log_sum_exp, normalizer and pull, which are
// float64.
#pragma once
#include <algorithm>

#include "core/cuda.h"
#include "core/precompiled.h"
#include "losses/column_splits.h"
#include "losses/cross_pairwise.h"
#include "losses/pairwise.h"

namespace singerprint {

inline at::Tensor workspace_like(const at::Tensor& z, std::int64_t bytes) {
  return at::empty({bytes}, z.options().dtype(at::kByte));
}

template <class T>
void pairwise_log_sum_exp_cuda(const char* op, const at::Tensor& z, const PairwiseProblem& problem,
                               const at::Tensor& log_sum_exp, void* stream) {
  const at::Tensor workspace = workspace_like(z, log_sum_exp_workspace_bytes(problem.rows, problem.rows));
  check_launch(
      op, launch_pairwise_log_sum_exp(z.const_data_ptr<T>(), problem, matmul_precision(),
                                      log_sum_exp.mutable_data_ptr<double>(), workspace.mutable_data_ptr(), stream));
}

template <class T>
void pairwise_softmax_product_cuda(const char* op, const at::Tensor& z, const PairwiseProblem& problem,
                                   const at::Tensor& normalizer, const at::Tensor& product, void* stream) {
  const at::Tensor workspace =
      workspace_like(z, softmax_product_workspace_bytes(problem.rows, problem.rows, problem.dim, sizeof(T)));
  check_launch(op, launch_pairwise_softmax_product(z.const_data_ptr<T>(), problem, matmul_precision(),
                                                   normalizer.const_data_ptr<double>(), product.mutable_data_ptr<T>(),
                                                   workspace.mutable_data_ptr(), stream));
}

template <class T>
void cross_log_sum_exp_cuda(const char* op, const at::Tensor& a, const at::Tensor& b, const CrossProblem& problem,
                            const at::Tensor& log_sum_exp, void* stream) {
  const at::Tensor workspace = workspace_like(a, log_sum_exp_workspace_bytes(problem.rows, problem.columns));
  check_launch(op,
               launch_cross_log_sum_exp(a.const_data_ptr<T>(), b.const_data_ptr<T>(), problem, matmul_precision(),
                                        log_sum_exp.mutable_data_ptr<double>(), workspace.mutable_data_ptr(), stream));
}

template <class T>
void cross_softmax_products_cuda(const char* op, const at::Tensor& a, const at::Tensor& b, const CrossProblem& problem,
                                 const at::Tensor& normalizer, const at::Tensor& pull, const at::Tensor& row_product,
                                 const at::Tensor& column_product, void* stream) {
  const std::int64_t by_row = softmax_product_workspace_bytes(problem.rows, problem.columns, problem.dim, sizeof(T));
  const std::int64_t by_column = softmax_product_workspace_bytes(problem.columns, problem.rows, problem.dim, sizeof(T));
  const at::Tensor workspace = workspace_like(a, std::max(by_row, by_column));  // one after the other
  check_launch(op,
               launch_cross_softmax_products(a.const_data_ptr<T>(), b.const_data_ptr<T>(), problem, matmul_precision(),
                                             normalizer.const_data_ptr<double>(), pull.const_data_ptr<double>(),
                                             row_product.mutable_data_ptr<T>(), column_product.mutable_data_ptr<T>(),
                                             workspace.mutable_data_ptr(), stream));
}

}  // namespace singerprint
