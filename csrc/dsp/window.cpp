#include "dsp/window.h"

#include <cmath>
#include <numbers>

namespace singerprint {

std::vector<double> frame_window(const WindowOptions& options) {
  std::vector<double> window(static_cast<std::size_t>(options.n_fft));
  const std::int64_t before = (options.n_fft - options.length) / 2;
  const std::int64_t period = options.periodic ? options.length : options.length - 1;
  const double depth = options.shape == WindowShape::kHann ? 1.0 : 0.92;
  for (std::int64_t n = 0; n < options.length; ++n) {
    // sin^2 instead of a - (1 - a) cos: no cancellation beside the zero. A window of one sample is 1.
    const double angle = std::numbers::pi * static_cast<double>(n) / static_cast<double>(period);
    const double sine = options.length == 1 ? 1.0 : std::sin(angle);
    window[static_cast<std::size_t>(before + n)] = (1.0 - depth) + depth * sine * sine;
  }
  return window;
}

std::vector<double> hann_window(std::int64_t size) { return frame_window({WindowShape::kHann, true, size, size}); }

}  // namespace singerprint
