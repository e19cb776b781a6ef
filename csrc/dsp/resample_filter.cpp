#include "dsp/resample_filter.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/parts.h"
#include "dsp/bessel.h"

namespace singerprint {
namespace {

// 4 MiB of doubles; the common rates need 0.3 to 2.
constexpr std::int64_t kMaximalExactWeights = std::int64_t{1} << 19;
// Cubics through 128 offsets a sample of the slower rate err by (9 / 384) (pi / 128)^4 at half that rate: -161 dB.
constexpr double kPhasesOfGrid = 128.0;
constexpr double kLeastPhases = 4.0;

// distance: of the first tap to the output, in samples of the input.
void write_row(const ResampleRatio& ratio, double gain, double fraction, std::int64_t taps, double* row) {
  const double scale = static_cast<double>(ratio.low()) / static_cast<double>(ratio.step_in);
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    const double distance = static_cast<double>(tap - (taps / 2 - 1)) - fraction;
    row[tap] = gain * scale * resample_kernel(scale * distance);
  }
}

}  // namespace

double resample_kernel(double t) {
  static const double peak = bessel_i0(kResampleBeta);
  const double share = t / kResampleHalfWidth;
  if (std::abs(share) >= 1.0) return 0.0;
  const double angle = std::numbers::pi * kResampleCutoff * t;
  const double sinc = angle == 0.0 ? 1.0 : std::sin(angle) / angle;
  return kResampleCutoff * sinc * bessel_i0(kResampleBeta * std::sqrt(1.0 - share * share)) / peak;
}

ResampleRatio resample_ratio(std::int64_t from_hz, std::int64_t to_hz) {
  const std::int64_t common = std::gcd(from_hz, to_hz);
  return {from_hz / common, to_hz / common};
}

std::int64_t ResampleRatio::reach() const {
  const auto width = static_cast<std::int64_t>(kResampleHalfWidth);
  return parts_of(width * step_in, low());
}

ResampleTaps resample_taps(const ResampleRatio& ratio, double gain) {
  const std::int64_t taps = 2 * ratio.reach();
  const bool exact = ratio.step_out * taps <= kMaximalExactWeights;
  const double slowing = static_cast<double>(ratio.low()) / static_cast<double>(ratio.step_in);
  const auto grid = static_cast<std::int64_t>(std::ceil(std::max(kLeastPhases, kPhasesOfGrid * slowing)));
  ResampleTaps result{exact, taps, exact ? ratio.step_out : grid, {}};
  const std::int64_t rows = exact ? ratio.step_out : grid + 3;
  result.rows.resize(static_cast<std::size_t>(rows * taps));
  for (std::int64_t row = 0; row < rows; ++row) {
    // In the grid, row 0 lies an offset before 0, and two lie beyond 1.
    const double numerator =
        exact ? static_cast<double>(row * ratio.step_in % ratio.step_out) : static_cast<double>(row - 1);
    write_row(ratio, gain, numerator / static_cast<double>(result.phases), taps, result.rows.data() + row * taps);
  }
  return result;
}

}  // namespace singerprint
