#include "dsp/harmonic_remap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace singerprint {
namespace {

TEST(HarmonicLanes, SplitAndJoinedHarmonicsAreThemselves) {
  constexpr int kCount = 16;
  std::vector<float> re(kCount), im(kCount), level(kCount), unit_re(kCount), unit_im(kCount), re_again(kCount),
      im_again(kCount);
  for (std::size_t k = 0; k < kCount; ++k) {
    const float magnitude = std::exp2(static_cast<float>(k) - 20.0f), angle = 0.7f * static_cast<float>(k);
    re[k] = magnitude * std::cos(angle);
    im[k] = magnitude * std::sin(angle);
  }
  SINGERPRINT_LANES(split_harmonics_lanes)(re.data(), im.data(), kCount, level.data(), unit_re.data(), unit_im.data());
  SINGERPRINT_LANES(join_harmonics_lanes)
  (level.data(), unit_re.data(), unit_im.data(), kCount, re_again.data(), im_again.data());
  for (std::size_t k = 0; k < kCount; ++k) {
    const float magnitude = std::hypot(re[k], im[k]);
    EXPECT_NEAR(level[k], std::log2(magnitude), 3e-6) << k;  // a level of 20 octaves has units of 1.9e-6
    EXPECT_NEAR(re_again[k], re[k], 4e-6f * magnitude) << k;
    EXPECT_NEAR(im_again[k], im[k], 4e-6f * magnitude) << k;
  }
}

}  // namespace
}  // namespace singerprint
