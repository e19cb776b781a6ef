#include "dsp/lane_fourier.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dsp/twiddle.h"

namespace singerprint {
namespace {

struct Radix {
  std::int32_t size;
  double cost;  // vector instructions a number, twiddles included
};
constexpr Radix kRadices[] = {{8, 11.0}, {7, 13.0}, {5, 11.0}, {4, 8.0}, {3, 8.0}, {2, 5.0}};
constexpr std::int32_t kLongestLine = 160;  // twice 20 KiB at 16 lanes: what lies in the nearest cache

// The cheapest first radix of a line of `size` numbers.
double cost_of_line(std::int32_t size, std::int32_t* first = nullptr) {
  if (size == 1) return 0.0;
  double best = std::numeric_limits<double>::infinity();
  for (const auto& [radix, cost] : kRadices) {
    if (size % radix != 0) continue;
    const double total = cost + cost_of_line(size / radix);
    if (total >= best) continue;
    best = total;
    if (first != nullptr) *first = radix;
  }
  return best;
}

constexpr double kTwiddleCost = 4.0;  // of the four steps, a number

// A number's cost when the lines are `rows` and size / rows long.
double cost_of_split(std::int32_t size, std::int32_t rows) {
  const std::int32_t longest = std::max(rows, size / rows);
  const double out_of_cache = longest > kLongestLine ? 2.0 : 1.0;
  // Of equal splits the squarest.
  return kTwiddleCost + out_of_cache * (cost_of_line(rows) + cost_of_line(size / rows)) + 1e-6 * longest;
}

std::int32_t cheapest_rows(std::int32_t size) {
  std::int32_t best = 1;
  for (std::int32_t rows = 2; rows <= size; ++rows) {
    if (size % rows == 0 && cost_of_split(size, rows) < cost_of_split(size, best)) best = rows;
  }
  return best;
}

}  // namespace

bool LaneFourier::is_possible(std::int64_t size) {
  if (size < 1 || size > (1 << 20)) return false;
  for (const std::int64_t prime : {2, 3, 5, 7}) {
    while (size % prime == 0) size /= prime;
  }
  return size == 1;
}

double LaneFourier::cost(std::int32_t size) { return size * cost_of_split(size, cheapest_rows(size)); }

LaneFourier::LaneFourier(std::int32_t size) {
  tables_.rows = cheapest_rows(size);
  tables_.columns = size / tables_.rows;
  tables_.pitch = tables_.columns | 1;
  make_line(tables_.columns, tables_.along_rows, row_twiddles_);
  make_line(tables_.rows, tables_.along_columns, column_twiddles_);
  for (std::int64_t b = 0; b < tables_.columns; ++b) {
    for (std::int64_t c = 0; c < tables_.rows; ++c) push_twiddle(twiddles_, b * c, size);
  }
  tables_.twiddles = twiddles_.data();
}

void LaneFourier::make_line(std::int32_t size, FourierLine& line,
                            std::vector<float> (&twiddles)[kMaximalFourierPasses]) {
  line.size = size;
  for (std::int32_t left = size; left > 1;) {
    std::int32_t radix = 1;
    cost_of_line(left, &radix);
    std::vector<float>& table = twiddles[line.passes];
    for (std::int64_t p = 0; p < left / radix; ++p) {
      for (std::int64_t i = 1; i < radix; ++i) push_twiddle(table, p * i, left);
    }
    line.twiddles[line.passes] = table.data();
    line.radix[line.passes++] = radix;
    left /= radix;
  }
}

std::int32_t LaneFourier::work_numbers() const { return 2 * std::max(tables_.rows, tables_.columns); }

}  // namespace singerprint
