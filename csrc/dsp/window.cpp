#include "dsp/window.h"

#include <cmath>
#include <numbers>

namespace singerprint {

std::vector<double> hann_window(std::int64_t size) {
  std::vector<double> window(static_cast<std::size_t>(size));
  for (std::int64_t n = 0; n < size; ++n) {
    // sin^2 instead of 0.5 - 0.5 cos: no cancellation beside the zero.
    const double sine = std::sin(std::numbers::pi * static_cast<double>(n) / static_cast<double>(size));
    window[static_cast<std::size_t>(n)] = sine * sine;
  }
  return window;
}

}  // namespace singerprint
