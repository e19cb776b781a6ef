// LaneFourier: the discrete Fourier transform of several complex sequences at once, one a lane, in place.
//   X[k] = sum_n x[n] exp(-2 pi i k n / size)
// In four steps, so that each short transform stays in the nearest cache: with n = columns a + b and k = c + rows d,
//   y[c, b] = exp(-2 pi i b c / size) sum_a x[a, b] exp(-2 pi i a c / rows),
//   X[c, d] = sum_b y[c, b] exp(-2 pi i b d / columns);
// the short transforms are Stockham's (self-sorting).
//
// Sizes    whose prime factors are 2, 3, 5 and 7.
// Packing  a number is kLanes real parts, then kLanes imaginary parts. They lie in `rows` rows, `pitch` apart: x[n] by
//          rows, X[k] by columns (FourierPlace).
// Scaling  none. The inverse is this transform with real and imaginary parts exchanged before and after, unscaled.
// Threads  the tables are shared and only read.
#pragma once
#include <cstdint>
#include <vector>

#include "core/dispatch.h"
#include "core/host_device.h"

namespace singerprint {

inline constexpr int kMaximalFourierPasses = 12;  // 2^12 is longer than any short transform

// A short transform, pass by pass; twiddles: (remaining size / radix, radix - 1) pairs.
struct FourierLine {
  std::int32_t size = 1, passes = 0;
  std::int32_t radix[kMaximalFourierPasses] = {};
  const float* twiddles[kMaximalFourierPasses] = {};
};

struct FourierTables {
  std::int32_t rows = 1, columns = 1;
  // Odd: at a distance of a power of two the numbers of a column would meet in a few sets of the cache.
  std::int32_t pitch = 1;
  FourierLine along_rows, along_columns;  // of `columns` and of `rows` numbers
  const float* twiddles = nullptr;        // (columns, rows): exp(-2 pi i b c / size)
};

// Walks through the places of x[n], x[n + 1] ... or of X[k], X[k + 1] ...
class FourierPlace {
 public:
  SINGERPRINT_HOST_DEVICE static inline FourierPlace of_sample(const FourierTables& tables, std::int32_t n) {
    return {n % tables.columns, tables.columns, 1, n / tables.columns, tables.pitch};
  }
  SINGERPRINT_HOST_DEVICE static inline FourierPlace of_bin(const FourierTables& tables, std::int32_t k) {
    return {k % tables.rows, tables.rows, tables.pitch, k / tables.rows, 1};
  }
  SINGERPRINT_HOST_DEVICE inline std::int32_t operator*() const { return place_; }
  SINGERPRINT_HOST_DEVICE inline FourierPlace& operator++() {
    place_ += step_;
    if (++inner_ == length_) {
      inner_ = 0;
      place_ += leap_;
    }
    return *this;
  }

 private:
  // inner < length goes step by step; each time around, `outer` goes on by its own step.
  SINGERPRINT_HOST_DEVICE inline FourierPlace(std::int32_t inner, std::int32_t length, std::int32_t step,
                                              std::int32_t outer, std::int32_t outer_step)
      : inner_(inner),
        length_(length),
        step_(step),
        leap_(outer_step - length * step),
        place_(inner * step + outer * outer_step) {}
  std::int32_t inner_, length_, step_, leap_, place_;
};

SINGERPRINT_DECLARE_LANES(int, fourier_lane_count, ())
// numbers: (rows, pitch, 2, lanes); work: 2 (max(rows, columns), 2, lanes). Both aligned to 64 bytes.
SINGERPRINT_DECLARE_LANES(void, fourier_lanes, (const FourierTables& tables, float* numbers, float* work))

class LaneFourier {
 public:
  explicit LaneFourier(std::int32_t size);  // is_possible(size)
  LaneFourier(const LaneFourier&) = delete;
  LaneFourier& operator=(const LaneFourier&) = delete;

  static bool is_possible(std::int64_t size);
  // Vector instructions a transform, roughly: to choose between sizes.
  static double cost(std::int32_t size);
  std::int32_t size() const { return tables_.rows * tables_.columns; }
  const FourierTables& tables() const { return tables_; }
  // Complex numbers a lane: of the places, and of fourier_lanes' work.
  std::int32_t places() const { return tables_.rows * tables_.pitch; }
  std::int32_t work_numbers() const;

 private:
  void make_line(std::int32_t size, FourierLine& line, std::vector<float> (&twiddles)[kMaximalFourierPasses]);
  FourierTables tables_;
  std::vector<float> twiddles_, row_twiddles_[kMaximalFourierPasses], column_twiddles_[kMaximalFourierPasses];
};

}  // namespace singerprint
