#include "dsp/phase_grid.h"

#include <cmath>
#include <numbers>

#include "core/cache.h"
#include "core/parts.h"
#include "dsp/bessel.h"

namespace singerprint {
namespace {

constexpr double kPi = std::numbers::pi, kPointsALine = 2.5;
// The widest transform whose repetitions, points apart, stay small over the lines.
constexpr double kShape = kPi * kGridTaps * (1.0 - 1.0 / kPointsALine);

// phi, of a distance in points.
double window_at(double distance) {
  const double x = 2.0 * distance / kGridTaps;
  return x * x < 1.0 ? bessel_i0(kShape * std::sqrt(1.0 - x * x)) / bessel_i0(kShape) : 0.0;
}

// The transform of phi at a frequency in cycles a point, within its main lobe.
double transform_at(double frequency) {
  const double x = kPi * kGridTaps * frequency, root = std::sqrt(kShape * kShape - x * x);
  return kGridTaps * std::sinh(root) / (root * bessel_i0(kShape));
}

// Coefficients of the cubic through four values: Newton's divided differences, multiplied out.
void fit_cubic(const double (&x)[4], double (&y)[4], float (&coefficients)[4]) {
  for (int order = 1; order < 4; ++order) {
    for (int i = 3; i >= order; --i) y[i] = (y[i] - y[i - 1]) / (x[i] - x[i - order]);
  }
  double sum[4] = {};
  for (int i = 3; i >= 0; --i) {  // sum = sum (v - x_i) + y_i
    for (int power = 3; power > 0; --power) sum[power] = sum[power - 1] - x[i] * sum[power];
    sum[0] = y[i] - x[i] * sum[0];
  }
  for (int power = 0; power < 4; ++power) coefficients[power] = static_cast<float>(sum[power]);
}

GridKernel fitted_kernel() {
  GridKernel kernel{};
  for (int tap = 0; tap < kGridTaps / 2; ++tap) {
    double square[4], even[4], odd[4];
    for (int i = 0; i < 4; ++i) {
      const double u = 0.5 * std::cos(kPi * (i + 0.5) / 8.0);  // Chebyshev's nodes in [0, 1/2]
      const double middle = kGridTaps / 2 - 0.5 - tap;
      const double before = window_at(middle + u), behind = window_at(middle - u);
      square[i] = u * u;
      even[i] = 0.5 * (before + behind);
      odd[i] = 0.5 * (before - behind) / u;
    }
    fit_cubic(square, even, kernel.even[tap]);
    fit_cubic(square, odd, kernel.odd[tap]);
  }
  return kernel;
}

// 32, 64, 96 ... 256, 320, 384 ... 512, 640 ...: whole lanes in either half, and few tables, less than 32 points or a
// quarter too large.
std::int32_t points_of_lines(std::int32_t lines) {
  const double needed = kPointsALine * lines;
  std::int32_t step = 2 * kGridLanes;
  while (8.0 * step < needed) step *= 2;
  return static_cast<std::int32_t>(std::ceil(needed / step)) * step;
}

std::shared_ptr<const PhaseGrid> make_grid(std::int32_t points) {
  const auto lines = static_cast<std::int32_t>(points / kPointsALine);
  const std::int32_t half = points / 2, stride = static_cast<std::int32_t>(filled_up(lines, kGridLanes));
  const auto size = static_cast<std::size_t>(half) * static_cast<std::size_t>(stride);
  PhaseGrid grid{points, half, stride, {}, {}, {}, {}, {}};
  for (std::vector<float>* table : {&grid.cosine, &grid.sine, &grid.cosine_of_point, &grid.sine_of_point}) {
    table->resize(size);
  }
  grid.correction.resize(static_cast<std::size_t>(stride));
  for (std::int32_t k = 0; k < stride; ++k) {
    if (k < lines) grid.correction[k] = static_cast<float>(1.0 / transform_at(static_cast<double>(k + 1) / points));
    for (std::int32_t j = 0; j < half; ++j) {
      const double turns = ((j + 0.5) / points - 0.5) * (k + 1), angle = 2.0 * kPi * (turns - std::round(turns));
      grid.cosine[k * half + j] = grid.cosine_of_point[j * stride + k] = static_cast<float>(std::cos(angle));
      grid.sine[k * half + j] = grid.sine_of_point[j * stride + k] = static_cast<float>(std::sin(angle));
    }
  }
  return std::make_shared<const PhaseGrid>(std::move(grid));
}

}  // namespace

const GridKernel& grid_kernel() {
  static const GridKernel kernel = fitted_kernel();
  return kernel;
}

std::shared_ptr<const PhaseGrid> phase_grid(std::int32_t lines) {
  static Cache<std::int32_t, PhaseGrid> cache(64);  // more than there are sizes
  const std::int32_t points = points_of_lines(lines);
  return cache.get(points, [&] { return make_grid(points); });
}

}  // namespace singerprint
