// push_twiddle: exp(-2 pi i numerator / size), computed in double, to the end of a table of pairs.
#pragma once
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

namespace singerprint {

inline void push_twiddle(std::vector<float>& twiddles, std::int64_t numerator, std::int64_t size) {
  const double angle = -2.0 * std::numbers::pi * static_cast<double>(numerator % size) / static_cast<double>(size);
  twiddles.push_back(static_cast<float>(std::cos(angle)));
  twiddles.push_back(static_cast<float>(std::sin(angle)));
}

}  // namespace singerprint
