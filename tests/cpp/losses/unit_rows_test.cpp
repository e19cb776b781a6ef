#include "losses/unit_rows.h"

#include <gtest/gtest.h>

#include <vector>

namespace singerprint {
namespace {

TEST(UnitRows, HaveLengthOne) {
  const std::vector<float> x = {3.0f, -4.0f};
  std::vector<float> z(2);
  unit_row(x.data(), 2, z.data());
  EXPECT_EQ(z, (std::vector<float>{0.6f, -0.8f}));
}

TEST(UnitRows, TheInnerProductTakesEveryElementOnce) {
  for (std::int64_t dim = 1; dim < 40; ++dim) {
    std::vector<double> a(dim);
    std::vector<double> b(dim, 2.0);
    for (std::int64_t k = 0; k < dim; ++k) a[k] = static_cast<double>(k + 1);
    EXPECT_EQ(inner_product(a.data(), b.data(), dim), static_cast<double>(dim * (dim + 1)));  // integers: exact
  }
}

TEST(UnitRows, AZeroRowStaysZeroAndItsGradientIsFinite) {
  const std::vector<float> x(3, 0.0f);
  const std::vector<float> dz = {1.0f, -2.0f, 0.0f};
  std::vector<float> result(3);
  unit_row(x.data(), 3, result.data());
  EXPECT_EQ(result, x);
  unit_row_backward(x.data(), dz.data(), 3, result.data());
  EXPECT_EQ(result, (std::vector<float>{1e12f, -2e12f, 0.0f}));
}

TEST(UnitRows, TheGradientIsOrthogonalToTheRow) {
  const std::vector<double> x = {1.0, 2.0, 2.0};
  const std::vector<double> dz = {0.5, -1.0, 3.0};
  std::vector<double> dx(3);
  unit_row_backward(x.data(), dz.data(), 3, dx.data());
  EXPECT_NEAR(inner_product(x.data(), dx.data(), 3), 0.0, 1e-15);  // a few roundings of numbers near 1
}

TEST(UnitRows, TheGradientIsTheLimitOfDifferences) {
  const std::vector<double> x = {1.0, 2.0, 2.0};
  const std::vector<double> dz = {0.5, -1.0, 3.0};
  std::vector<double> dx(3);
  unit_row_backward(x.data(), dz.data(), 3, dx.data());
  constexpr double kStep = 1e-5;
  for (int k = 0; k < 3; ++k) {
    double slope = 0.0;
    for (const double sign : {1.0, -1.0}) {
      std::vector<double> moved = x;
      std::vector<double> z(3);
      moved[k] += sign * kStep;
      unit_row(moved.data(), 3, z.data());
      slope += sign * inner_product(z.data(), dz.data(), 3) / (2 * kStep);
    }
    EXPECT_NEAR(dx[k], slope, 1e-9);  // kStep^2 times a third derivative of about 1
  }
}

}  // namespace
}  // namespace singerprint
