#include "frontend/resample_clips.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace singerprint {
namespace {

// Blocks (441 : 160) and the interpolated sum (11,025 : 11,014), both ways.
const ResampleRatio kRatios[] = {{441, 160}, {160, 441}, {11025, 11014}, {11014, 11025}};

template <class Number>
std::vector<Number> resampled(const ResampleDirection& direction, const std::vector<Number>& x, std::int64_t batch,
                              std::int64_t outputs) {
  std::vector<Number> result(static_cast<std::size_t>(batch * outputs), Number{-1});
  const std::int64_t samples = static_cast<std::int64_t>(x.size()) / batch;
  resample_clips(direction, x.data(), {batch, samples, outputs}, result.data());
  return result;
}

std::vector<float> noise(std::size_t samples) {
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  std::vector<float> x(samples);
  for (float& sample : x) sample = normal(random);
  return x;
}

TEST(ResampleClips, Float32IsFloat64Rounded) {
  for (const ResampleRatio& ratio : kRatios) {
    for (const std::int64_t samples : {1, 100, 9001}) {
      const std::vector<float> x = noise(static_cast<std::size_t>(2 * samples));
      const std::int64_t outputs = ratio.outputs(samples);
      const std::vector<float> y = resampled({ratio, false}, x, 2, outputs);
      const std::vector<double> exact = resampled({ratio, false}, std::vector<double>(x.begin(), x.end()), 2, outputs);
      double error = 0.0;
      for (std::size_t m = 0; m < y.size(); ++m) error = std::max(error, std::abs(y[m] - exact[m]));
      // Sums of noise of level 1, rounded to 2^-25 a dozen to two dozen times on their way (four lanes have the longest
      // chains): 1.0e-7 to 1.5e-7 rms, and the largest of 50,000 is 4.5 times that; twice, to be sure.
      EXPECT_LE(error, 1.4e-6) << ratio.step_in << " " << samples;
    }
  }
}

TEST(ResampleClips, AClipDoesNotDependOnItsBatch) {
  for (const ResampleRatio& ratio : kRatios) {
    const std::vector<float> x = noise(3 * 5000);
    const std::int64_t outputs = ratio.outputs(5000);
    const std::vector<float> all = resampled({ratio, false}, x, 3, outputs);
    const std::vector<float> last(x.end() - 5000, x.end());
    const std::vector<float> alone = resampled({ratio, false}, last, 1, outputs);
    EXPECT_EQ(alone, std::vector<float>(all.end() - outputs, all.end()));
  }
}

TEST(ResampleClips, ACellIsWholePeriodsAndReachesAsFarAsTheFilter) {
  for (const ResampleRatio& ratio : kRatios) {
    const ResampleCell cell = cell_of(ratio);
    EXPECT_EQ(cell.inputs * ratio.step_out, cell.outputs * ratio.step_in);
    EXPECT_EQ(cell.inputs % ratio.step_in, 0);
    EXPECT_GE(cell.inputs, ratio.reach());
    EXPECT_GE(cell.ahead, ratio.reach());
  }
}

}  // namespace
}  // namespace singerprint
