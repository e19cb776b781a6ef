#include "dsp/resample_blocks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "dsp/resample_sample.h"

namespace singerprint {
namespace {

const ResampleRatio kRatios[] = {{441, 160}, {160, 441}, {160, 147}, {147, 160}, {1, 2}, {2, 1}, {1, 6}, {640, 147}};

TEST(ResampleCut, LeavesTheReachOfTheFilterOnBothSides) {
  for (const ResampleRatio& ratio : kRatios) {
    const auto cut = resample_cut(ratio);
    ASSERT_TRUE(cut) << ratio.step_in;
    EXPECT_EQ(cut->size_in * ratio.step_out, cut->size_out * ratio.step_in);
    EXPECT_EQ(cut->inputs * ratio.step_out, cut->outputs * ratio.step_in);
    EXPECT_GE(cut->guard, ratio.reach());
    EXPECT_GE(cut->size_in, cut->inputs + cut->guard + ratio.reach());
    EXPECT_LE(cut->first_kept + cut->outputs, cut->size_out);
  }
}

TEST(ResampleCut, IsNoneWhereAStepHasALargePrimeFactor) {
  EXPECT_FALSE(resample_cut({11025, 11014}));
  EXPECT_FALSE(resample_cut({11, 1}));
}

// Blocks side by side are the sum over the filter's taps.
void expect_sum(const ResampleRatio& ratio, double gain) {
  const ResampleCut cut = *resample_cut(ratio);
  const ResampleBlocks blocks(ratio, cut, gain);
  const auto count = static_cast<std::size_t>(ResampleBlocks::blocks_at_once());
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> x(count * cut.inputs + cut.size_in);  // the guard stands before the first output
  for (float& sample : x) sample = normal(random);
  std::vector<float> y(count * cut.outputs);
  std::vector<const float*> inputs(count);
  std::vector<float*> results(count);
  std::vector<std::int64_t> counts(count, cut.outputs);
  counts.back() = 5;  // what a clip's end leaves of its last block
  for (std::size_t i = 0; i < count; ++i) {
    inputs[i] = x.data() + i * cut.inputs;
    results[i] = y.data() + i * cut.outputs;
  }
  ResampleBlocks::Worker worker(blocks);
  worker(inputs.data(), results.data(), counts.data());

  const std::vector<double> exact(x.begin() + cut.guard, x.end());
  const ResampleTaps taps = resample_taps(ratio, gain);
  const ResampleRows<double> rows{ratio.step_in, ratio.step_out,   taps.exact, taps.taps,
                                  taps.phases,   taps.rows.data(), taps.taps,  1};
  const std::int64_t last = static_cast<std::int64_t>(count - 1) * cut.outputs + 5;
  double error = 0.0, power = 0.0;
  for (std::int64_t m = rows.taps * ratio.step_out / ratio.step_in + 1; m < last; m += 13) {
    const double sum = resample_sample(rows, exact.data(), static_cast<std::int64_t>(exact.size()), m);
    error += (y[static_cast<std::size_t>(m)] - sum) * (y[static_cast<std::size_t>(m)] - sum);
    power += sum * sum;
  }
  // Two transforms of five passes, some 3e-8 of the input each, and the filter's 140 dB that are cut off.
  EXPECT_LE(std::sqrt(error / power), 2.5e-7) << ratio.step_in << ":" << ratio.step_out;
  for (std::size_t m = static_cast<std::size_t>(last); m < y.size(); ++m) EXPECT_EQ(y[m], 0.0f);
}

TEST(ResampleBlocks, AreTheSumOverTheTaps) {
  for (const ResampleRatio& ratio : kRatios) expect_sum(ratio, 1.0);
  expect_sum({160, 441}, 0.25);
}

TEST(ResampleBlocks, SilenceStaysExactlySilent) {
  const ResampleCut cut = *resample_cut({441, 160});
  const ResampleBlocks blocks({441, 160}, cut, 1.0);
  const auto count = static_cast<std::size_t>(ResampleBlocks::blocks_at_once());
  const std::vector<float> zeros(static_cast<std::size_t>(cut.size_in));
  std::vector<float> y(static_cast<std::size_t>(cut.outputs), 1.0f), other(y.size() * count);
  std::vector<const float*> inputs(count, zeros.data());
  std::vector<float*> results(count);
  for (std::size_t i = 0; i < count; ++i) results[i] = other.data() + i * y.size();
  results[0] = y.data();
  const std::vector<std::int64_t> counts(count, cut.outputs);
  ResampleBlocks::Worker worker(blocks);
  worker(inputs.data(), results.data(), counts.data());
  for (const float sample : y) EXPECT_EQ(sample, 0.0f);
}

}  // namespace
}  // namespace singerprint
