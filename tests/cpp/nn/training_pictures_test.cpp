#include "nn/training_pictures.h"

#include <gtest/gtest.h>

#include <tuple>

#include "training_values.h"

namespace singerprint {
namespace {

class Patches : public ::testing::TestWithParam<std::tuple<std::int64_t, std::int64_t, std::int64_t>> {
 protected:
  std::int64_t channels_ = std::get<0>(GetParam());
  Picture size_{std::get<1>(GetParam()), std::get<2>(GetParam())};
  Picture out_{(size_.rows - 1) / 2 + 1, (size_.columns - 1) / 2 + 1};
};

TEST_P(Patches, AreTheNeighboursOfEverySecondPixel) {
  const std::vector<float> pictures = normal_floats(2 * channels_ * size_.pixels());
  OwnPlanes patches{channels_ * 9, 2, out_.pixels()};
  std::fill(patches.values.begin(), patches.values.end(), -1.0f);
  gather_patches(pictures.data(), channels_, size_, unusual_workers(2), patches.planes());
  for (std::int64_t clip = 0; clip < 2; ++clip) {
    for (std::int64_t p = 0; p < out_.pixels(); ++p) {
      for (std::int64_t k = 0; k < patch_blocks(channels_) * patches.lanes; ++k) {
        const std::int64_t y = p / out_.columns * 2 + k / 3 % 3 - 1, x = p % out_.columns * 2 + k % 3 - 1;
        const bool is_inside = k < channels_ * 9 && y >= 0 && y < size_.rows && x >= 0 && x < size_.columns;
        const std::int64_t at = ((clip * channels_ + k / 9) * size_.rows + y) * size_.columns + x;
        ASSERT_EQ(patches.of(k, clip, p), is_inside ? pictures[at] : 0.0f);
      }
    }
  }
}

TEST_P(Patches, ScatteringIsTheTransposeOfGathering) {
  const std::vector<float> pictures = normal_floats(2 * channels_ * size_.pixels());
  OwnPlanes patches{channels_ * 9, 2, out_.pixels()};
  const OwnPlanes others = OwnPlanes::random(channels_ * 9, 2, out_.pixels());
  std::vector<float> scattered(pictures.size(), -1.0f);
  gather_patches(pictures.data(), channels_, size_, unusual_workers(1), patches.planes());
  scatter_patches(others.planes(), channels_, size_, unusual_workers(2), scattered.data());
  double of_patches = 0, of_pictures = 0;
  for (std::size_t i = 0; i < patches.values.size(); ++i) {
    of_patches += static_cast<double>(patches.values[i]) * others.values[i];
  }
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    of_pictures += static_cast<double>(pictures[i]) * scattered[i];
  }
  EXPECT_NEAR(of_patches, of_pictures, 1e-4);  // sums of at most four normal numbers are rounded
}

INSTANTIATE_TEST_SUITE_P(TrainingPictures, Patches,
                         ::testing::Combine(::testing::Values<std::int64_t>(1, 3),
                                            ::testing::Values<std::int64_t>(1, 2, 7),
                                            ::testing::Values<std::int64_t>(1, 2, 3, 8)));

TEST(TrainingPictures, PlanesAndPicturesAreEachOthersInverse) {
  for (std::int64_t channels : {1, 16, 21}) {
    const std::vector<float> pictures = normal_floats(3 * channels * 5);
    OwnPlanes planes{channels, 3, 5};
    std::fill(planes.values.begin(), planes.values.end(), -1.0f);
    planes_of_pictures(pictures.data(), channels, planes.planes());
    for (std::int64_t k = channels; k < lane_blocks(channels) * planes.lanes; ++k) EXPECT_EQ(planes.of(k, 2, 4), 0.0f);
    EXPECT_EQ(planes.of(channels - 1, 1, 2), pictures[(1 * channels + channels - 1) * 5 + 2]);
    std::vector<float> back(pictures.size());
    pictures_of_planes(std::as_const(planes).planes(), channels, back.data());
    EXPECT_EQ(back, pictures);
  }
}

}  // namespace
}  // namespace singerprint
