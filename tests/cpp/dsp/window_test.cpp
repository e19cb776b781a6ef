#include "dsp/window.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace singerprint {
namespace {

TEST(HannWindow, EqualsItsFormula) {
  for (const int size : {2, 7, 400, 2048}) {
    const std::vector<double> window = hann_window(size);
    ASSERT_EQ(window.size(), static_cast<std::size_t>(size));
    for (int n = 0; n < size; ++n) {
      // Two ways round: sine squared against the cosine form, whose sum cancels to a few eps of 1.
      EXPECT_NEAR(window[static_cast<std::size_t>(n)], 0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * n / size), 4e-16);
    }
  }
}

TEST(HannWindow, BeginsWithZeroAndPeaksInTheMiddle) {
  const std::vector<double> window = hann_window(2048);
  EXPECT_EQ(window[0], 0.0);
  EXPECT_EQ(window[1024], 1.0);
}

TEST(HannWindow, OverlappedByHalfSumsToOne) {
  const std::vector<double> window = hann_window(512);
  for (std::size_t n = 0; n < 256; ++n)
    EXPECT_NEAR(window[n] + window[n + 256], 1.0, 9e-16);  // five roundings of at most 1: 4 eps
}

TEST(FrameWindow, StandsInTheMiddleOfItsFrame) {
  const std::vector<double> window = frame_window({WindowShape::kHann, false, 5, 8});
  const double expected[] = {0.0, 0.0, 0.5, 1.0, 0.5, 0.0, 0.0, 0.0};  // one zero before it, and its own two
  for (std::size_t n = 0; n < 8; ++n) EXPECT_NEAR(window[n], expected[n], 2e-16) << n;
}

TEST(FrameWindow, HammingEndsAtEightHundredths) {
  for (const bool periodic : {true, false}) {
    const std::vector<double> window = frame_window({WindowShape::kHamming, periodic, 400, 400});
    for (int n = 0; n < 400; ++n) {
      const double turn = 2.0 * std::numbers::pi * n / (periodic ? 400 : 399);
      EXPECT_NEAR(window[static_cast<std::size_t>(n)], 0.54 - 0.46 * std::cos(turn), 6e-16) << n;  // three eps
    }
  }
}

TEST(FrameWindow, OfOneSampleIsOne) {  // as PyTorch's and SciPy's
  for (const WindowShape shape : {WindowShape::kHann, WindowShape::kHamming}) {
    EXPECT_EQ(frame_window({shape, true, 1, 4}), (std::vector<double>{0.0, 1.0, 0.0, 0.0}));
  }
}

}  // namespace
}  // namespace singerprint
