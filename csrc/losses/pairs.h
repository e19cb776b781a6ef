// What meets in the kernels of losses/pairwise_block.h, what is left out, and what a pair weighs:
//   left, right, rows, columns, dim, scale   s[row, column] = <left[row], right[column]>
//   leaves_out(row, column)                  no part of any sum
//   kByRow, kByColumn, normalizer            weight = the sum of exp(scale * s - normalizer[row]), where kByRow, and
//                                            exp(scale * s - normalizer[column]), where kByColumn
//   weight_left_out(row, column)             the weight of what is left out
#pragma once
#include "losses/cross_pairwise.h"
#include "losses/pairwise.h"

namespace singerprint {

// Rows of one matrix among each other.
template <class T>
struct OwnPairs {
  static constexpr bool kByRow = true, kByColumn = true;
  const T *left, *right;
  std::int64_t rows, columns, dim;
  double scale;
  const double* normalizer;
  PairwiseProblem problem;

  OwnPairs(const T* z, const PairwiseProblem& problem, const double* normalizer)
      : left(z),
        right(z),
        rows(problem.rows),
        columns(problem.rows),
        dim(problem.dim),
        scale(problem.scale),
        normalizer(normalizer),
        problem(problem) {}

  SINGERPRINT_HOST_DEVICE bool leaves_out(std::int64_t row, std::int64_t column) const {
    const Run run = run_of(row, problem);
    return (column >= run.begin && column < run.end) || column == partner_of(row, problem);
  }
  SINGERPRINT_HOST_DEVICE double weight_left_out(std::int64_t, std::int64_t) const { return 0.0; }
};

// Rows of a and columns of b; turned: rows of b and columns of a.
template <class T, bool kTurned>
struct CrossPairs {
  static constexpr bool kByRow = !kTurned, kByColumn = kTurned;
  const T *left, *right;
  std::int64_t rows, columns, dim;
  double scale;
  const double *normalizer, *pull;  // of the rows of a
  CrossProblem problem;

  CrossPairs(const T* a, const T* b, const CrossProblem& problem, const double* normalizer, const double* pull)
      : left(kTurned ? b : a),
        right(kTurned ? a : b),
        rows(kTurned ? problem.columns : problem.rows),
        columns(kTurned ? problem.rows : problem.columns),
        dim(problem.dim),
        scale(problem.scale),
        normalizer(normalizer),
        pull(pull),
        problem(problem) {}

  SINGERPRINT_HOST_DEVICE bool leaves_out(std::int64_t row, std::int64_t column) const {
    return kTurned ? row == target_of(column, problem) : column == target_of(row, problem);
  }
  SINGERPRINT_HOST_DEVICE double weight_left_out(std::int64_t row, std::int64_t column) const {
    return -pull[kTurned ? column : row];
  }
};

}  // namespace singerprint
