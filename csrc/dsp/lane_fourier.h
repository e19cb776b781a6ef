// LaneFourier: the discrete Fourier transform of several complex sequences at once, one a lane, in place.
//   X[k] = sum_n x[n] exp(-2 pi i k n / size)
// In four steps, so that each short transform stays in the nearest cache: with n = columns a + b and k = c + rows d,
//   y[c, b] = exp(-2 pi i b c / size) sum_a x[a, b] exp(-2 pi i a c / rows),
//   X[c, d] = sum_b y[c, b] exp(-2 pi i b d / columns);
// the short transforms are Stockham's (self-sorting).
//
// Sizes    whose prime factors are 2, 3, 5 and 7.
// Packing  a number is kLanes real parts, then kLanes imaginary parts; x[n] is number n, X[k] number place(k).
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
  FourierLine along_rows, along_columns;  // of `columns` and of `rows` numbers
  const float* twiddles = nullptr;        // (columns, rows): exp(-2 pi i b c / size)
};

// Walks through the places of X[k], X[k + 1] ...
class FourierPlace {
 public:
  SINGERPRINT_HOST_DEVICE inline FourierPlace(const FourierTables& tables, std::int32_t k)
      : rows_(tables.rows), columns_(tables.columns), row_(k % tables.rows), column_(k / tables.rows) {}
  SINGERPRINT_HOST_DEVICE inline std::int32_t operator*() const { return row_ * columns_ + column_; }
  SINGERPRINT_HOST_DEVICE inline FourierPlace& operator++() {
    if (++row_ == rows_) row_ = 0, ++column_;
    return *this;
  }

 private:
  std::int32_t rows_, columns_, row_, column_;
};

SINGERPRINT_DECLARE_LANES(int, fourier_lane_count, ())
// numbers: (size, 2, lanes); work: 2 (max(rows, columns), 2, lanes). Both aligned to 64 bytes.
SINGERPRINT_DECLARE_LANES(void, fourier_lanes, (const FourierTables& tables, float* numbers, float* work))

class LaneFourier {
 public:
  explicit LaneFourier(std::int32_t size);  // is_possible(size)
  LaneFourier(const LaneFourier&) = delete;
  LaneFourier& operator=(const LaneFourier&) = delete;

  static bool is_possible(std::int64_t size);
  std::int32_t size() const { return tables_.rows * tables_.columns; }
  const FourierTables& tables() const { return tables_; }
  // Complex numbers a lane, of fourier_lanes' work.
  std::int32_t work_numbers() const;

 private:
  void make_line(std::int32_t size, FourierLine& line, std::vector<float> (&twiddles)[kMaximalFourierPasses]);
  FourierTables tables_;
  std::vector<float> twiddles_, row_twiddles_[kMaximalFourierPasses], column_twiddles_[kMaximalFourierPasses];
};

}  // namespace singerprint
