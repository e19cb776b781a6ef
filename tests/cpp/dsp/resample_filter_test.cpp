#include "dsp/resample_filter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

#include "dsp/resample_sample.h"

namespace singerprint {
namespace {

// The spectrum of g at a share of half the slower rate, by Simpson's rule at eight points a sample.
double response(double share) {
  constexpr int kPoints = 8;
  const int last = kPoints * static_cast<int>(kResampleHalfWidth);
  double sum = 0.0;
  for (int i = -last; i <= last; ++i) {
    const double t = static_cast<double>(i) / kPoints;
    const double weight = (i == -last || i == last ? 1.0 : (i + last) % 2 == 1 ? 4.0 : 2.0) / 3.0 / kPoints;
    sum += weight * resample_kernel(t) * std::cos(std::numbers::pi * share * t);
  }
  return sum;
}

double decibels(double factor) { return 20.0 * std::log10(std::abs(factor)); }

ResampleRows<double> view(const ResampleRatio& ratio, const ResampleTaps& taps) {
  return {ratio.step_in, ratio.step_out, taps.exact, taps.taps, taps.phases, taps.rows.data(), taps.taps, 1};
}

TEST(ResampleFilter, IsFlatToNinetyFivePercentOfHalfTheRate) {
  for (double share = 0.0; share <= kResamplePass; share += 0.005) {
    EXPECT_NEAR(decibels(response(share)), 0.0, 1e-5) << share;
  }
}

TEST(ResampleFilter, IsSilentFromHalfTheRateOn) {
  for (double share = kResampleStop; share < 3.0; share += 0.0037) EXPECT_LT(decibels(response(share)), -140.0);
}

TEST(ResampleFilter, IsAnEvenFunctionThatEndsAtItsWidth) {
  for (const double t : {0.3, 1.0, 77.25, 185.9}) EXPECT_EQ(resample_kernel(t), resample_kernel(-t));
  EXPECT_EQ(resample_kernel(kResampleHalfWidth), 0.0);
  EXPECT_EQ(resample_kernel(1000.0), 0.0);
}

TEST(ResampleFilter, ReducesTheRatesToLowestTerms) {
  const ResampleRatio ratio = resample_ratio(44100, 48000);
  EXPECT_EQ(ratio.step_in, 147);
  EXPECT_EQ(ratio.step_out, 160);
  EXPECT_EQ(ratio.outputs(147), 160);
  EXPECT_EQ(ratio.outputs(1), 2);
  EXPECT_EQ(ratio.outputs(0), 0);
}

// Each weight that a sample is multiplied by is the kernel's value at its distance.
void expect_weights(std::int64_t from_hz, std::int64_t to_hz, bool exact, double tolerance) {
  const ResampleRatio ratio = resample_ratio(from_hz, to_hz);
  const ResampleTaps taps = resample_taps(ratio, 0.5);
  ASSERT_EQ(taps.exact, exact);
  ASSERT_LE(taps.rows.size(), std::size_t{1} << 22);
  const ResampleRows<double> rows = view(ratio, taps);
  const double slowing = static_cast<double>(ratio.low()) / static_cast<double>(ratio.step_in);
  for (std::int64_t m = 0; m < 100000; m += 997) {
    const ResamplePlace<double> place = resample_place(rows, m);
    for (std::int64_t tap = 0; tap < taps.taps; tap += 7) {
      const double at =
          static_cast<double>(m) * static_cast<double>(ratio.step_in) / static_cast<double>(ratio.step_out);
      const double distance = static_cast<double>(place.first + tap) - at;
      const bool at_the_end = std::abs(std::abs(slowing * distance) - kResampleHalfWidth) < 1e-6;  // it jumps there
      if (at_the_end) continue;
      EXPECT_NEAR(resample_weight(rows, place, tap), 0.5 * slowing * resample_kernel(slowing * distance), tolerance);
    }
  }
}

TEST(ResampleTaps, AreTheKernelAtTheDistanceOfEachSample) {
  // The position of output 100,000 is known to 2^-53 of 3e5.
  expect_weights(44100, 16000, true, 1e-10);
  expect_weights(16000, 44100, true, 1e-10);
  expect_weights(1, 2, true, 1e-10);
}

TEST(ResampleTaps, AreInterpolatedBetweenFixedRowsWhereTheyWouldBeMany) {
  // A cubic through points 1 / 128 apart: (9 / 384) (pi / 128)^4 of the kernel, whose taps end at 1; gain 0.5.
  expect_weights(44100, 44056, false, 5e-9);
  expect_weights(44056, 44100, false, 5e-9);
  expect_weights(16777213, 65537, false, 5e-9);
  expect_weights(65537, 16777213, false, 5e-9);
}

TEST(ResampleSample, AddsEveryTapInsideTheWaveform) {
  const ResampleRatio ratio = resample_ratio(3, 2);
  const ResampleTaps taps = resample_taps(ratio, 1.0);
  std::mt19937 random(2);
  std::normal_distribution<double> normal;
  std::vector<double> x(700);
  for (double& sample : x) sample = normal(random);
  for (const std::int64_t samples : {1, 5, 278, 279, 280, 558, 700}) {
    for (std::int64_t m = 0; m < ratio.outputs(samples); m += 3) {
      double sum = 0.0;
      for (std::int64_t n = 0; n < samples; ++n) {
        const double distance = static_cast<double>(m) * 1.5 - static_cast<double>(n);
        sum += x[static_cast<std::size_t>(n)] * resample_kernel(distance * 2.0 / 3.0) * 2.0 / 3.0;
      }
      EXPECT_NEAR(resample_sample(view(ratio, taps), x.data(), samples, m), sum, 1e-12);
    }
  }
}

}  // namespace
}  // namespace singerprint
