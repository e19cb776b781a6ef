#include "nn/inverted_residual_planes.h"

#include <gtest/gtest.h>

#include "training_values.h"

namespace singerprint {
namespace {

TEST(BorderedPlane, HasZerosAroundThePictureEachTimeItIsFilled) {
  const std::int64_t lanes = training_kernels().lanes, border = 2;
  const Picture picture{3, 4};
  BorderedPlane plane(picture, border);
  std::fill_n(plane.data(), (picture.rows + 2 * border) * plane.row_floats(), -1.0f);
  plane.fill([&](std::int64_t y, float* row) { std::fill_n(row, picture.columns * lanes, static_cast<float>(y + 1)); });
  for (std::int64_t y = 0; y < picture.rows + 2 * border; ++y) {
    for (std::int64_t x = 0; x < picture.columns + 2 * border; ++x) {
      const bool is_inside = y >= border && y < border + picture.rows && x >= border && x < border + picture.columns;
      for (std::int64_t lane = 0; lane < lanes; ++lane) {
        ASSERT_EQ(plane.data()[y * plane.row_floats() + x * lanes + lane],
                  is_inside ? static_cast<float>(y - border + 1) : 0.0f);
      }
    }
  }
  EXPECT_EQ(plane.at(0, 0), plane.data() + border * plane.row_floats() + border * lanes);
}

TEST(InvertedResidualPlanes, FillTheirMemoryExactly) {
  const InvertedResidualShape shape{{3, 2, 16, 96, 4, 24}, 3, {5, 6}};
  std::vector<float> small(shape.small_floats());
  const InvertedResidualPlanes planes(shape, {nullptr, nullptr, nullptr, small.data()});
  EXPECT_EQ(planes.gates.at(planes.expanded_blocks), small.data() + small.size());
  EXPECT_EQ(shape.out().rows, 3);
  EXPECT_EQ(shape.out().columns, 3);
}

}  // namespace
}  // namespace singerprint
