#include "core/lane.h"
#include "dsp/lane_exp2.h"
#include "losses/double_lane.h"
#include "losses/pairwise.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

struct Floats {
  using Scalar = float;
  using Vector = Lane;
  static constexpr int kWidth = kLanes;
};

struct Doubles {
  using Scalar = double;
  using Vector = DoubleLane;
  static constexpr int kWidth = kDoubleLanes;
};

// Rows of one product. AVX-512 has 32 registers: 8 x 2 sums, 2 of b and one of a; the others have 16.
#if defined(__AVX512F__)
constexpr int kRows = 8;
#else
constexpr int kRows = 4;
#endif

template <class Type, bool kAdd>
void multiply_rows(const typename Type::Scalar* a, std::int64_t a_row, std::int64_t a_depth,
                   const typename Type::Scalar* b, std::int64_t depth, typename Type::Scalar* c, std::int64_t c_row) {
  using Vector = typename Type::Vector;
  constexpr int kWidth = Type::kWidth;
  Vector sum[kRows][2];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) sum[r][0] = sum[r][1] = Vector(0);
  for (std::int64_t k = 0; k < depth; ++k) {
    const Vector left = Vector::load(b + k * 2 * kWidth);
    const Vector right = Vector::load(b + k * 2 * kWidth + kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Vector value(a[r * a_row + k * a_depth]);
      sum[r][0] = multiply_add(value, left, sum[r][0]);
      sum[r][1] = multiply_add(value, right, sum[r][1]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    typename Type::Scalar* const to = c + r * c_row;
    if (kAdd) {
      sum[r][0] += Vector::load(to);
      sum[r][1] += Vector::load(to + kWidth);
    }
    sum[r][0].store(to);
    sum[r][1].store(to + kWidth);
  }
}

template <class Type, bool kAdd>
void multiply(const typename Type::Scalar* a, std::int64_t a_row, std::int64_t a_depth, const typename Type::Scalar* b,
              std::int64_t rows, std::int64_t depth, typename Type::Scalar* c, std::int64_t c_row) {
  for (std::int64_t r = 0; r < rows; r += kRows) {
    multiply_rows<Type, kAdd>(a + r * a_row, a_row, a_depth, b, depth, c + r * c_row, c_row);
  }
}

template <class Type>
typename Type::Scalar largest(typename Type::Vector lane) {
  typename Type::Scalar result = lane.v[0];
  for (int i = 1; i < Type::kWidth; ++i) result = lane.v[i] > result ? lane.v[i] : result;
  return result;
}

template <class Type>
typename Type::Scalar total(typename Type::Vector lane) {
  typename Type::Scalar result = lane.v[0];
  for (int i = 1; i < Type::kWidth; ++i) result += lane.v[i];
  return result;
}

template <class Type, bool kColumns>
void maxima(const Tile<typename Type::Scalar>& tile, typename Type::Scalar* row_maximum,
            typename Type::Scalar* column_maximum) {
  using Vector = typename Type::Vector;
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    Vector of_row(row_maximum[r]);
    for (std::int64_t c = 0; c < tile.columns; c += Type::kWidth) {
      const Vector s = Vector::load(tile.s + r * tile.stride + c);
      of_row = max(of_row, s);
      if constexpr (kColumns) max(Vector::load(column_maximum + c), s).store(column_maximum + c);
    }
    row_maximum[r] = largest<Type>(of_row);
  }
}

template <class Type, bool kColumns>
void exponential_sums(const Tile<typename Type::Scalar>& tile, typename Type::Scalar scale,
                      const typename Type::Scalar* row_maximum, const typename Type::Scalar* column_maximum,
                      typename Type::Scalar* row_sum, typename Type::Scalar* column_sum) {
  using Vector = typename Type::Vector;
  const Vector factor(scale);
  for (std::int64_t c = 0; kColumns && c < tile.columns; c += Type::kWidth) Vector(0).store(column_sum + c);
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    const Vector shift(row_maximum[r]);
    Vector of_row(0);
    for (std::int64_t c = 0; c < tile.columns; c += Type::kWidth) {
      const Vector s = Vector::load(tile.s + r * tile.stride + c);
      of_row += exp2(factor * (s - shift));
      if constexpr (kColumns) {
        const Vector of_column = exp2(factor * (s - Vector::load(column_maximum + c)));
        (Vector::load(column_sum + c) + of_column).store(column_sum + c);
      }
    }
    row_sum[r] = total<Type>(of_row);
  }
}

template <class Type, bool kColumns>
void softmax(const Tile<typename Type::Scalar>& tile, typename Type::Scalar scale,
             const typename Type::Scalar* row_shift, const typename Type::Scalar* row_factor,
             const typename Type::Scalar* column_shift, const typename Type::Scalar* column_factor) {
  using Vector = typename Type::Vector;
  const Vector factor(scale);
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    const Vector shift(row_shift[r]);
    const Vector of_row(row_factor[r]);
    for (std::int64_t c = 0; c < tile.columns; c += Type::kWidth) {
      typename Type::Scalar* const at = tile.s + r * tile.stride + c;
      const Vector s = Vector::load(at);
      const Vector by_row = exp2(factor * (s - shift));
      if constexpr (kColumns) {
        const Vector by_column = exp2(factor * (s - Vector::load(column_shift + c)));
        multiply_add(of_row, by_row, Vector::load(column_factor + c) * by_column).store(at);
      } else {
        (of_row * by_row).store(at);
      }
    }
  }
}

template <class Type>
PairwiseKernels<typename Type::Scalar> kernels() {
  return {2 * Type::kWidth,     &multiply<Type, false>,         &multiply<Type, true>,
          &maxima<Type, true>,  &exponential_sums<Type, true>,  &softmax<Type, true>,
          &maxima<Type, false>, &exponential_sums<Type, false>, &softmax<Type, false>};
}

}  // namespace

PairwiseKernels<float> pairwise_kernels_float() { return kernels<Floats>(); }
PairwiseKernels<double> pairwise_kernels_double() { return kernels<Doubles>(); }

}  // namespace singerprint::SINGERPRINT_ISA
