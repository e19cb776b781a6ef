#include "dsp/pitch_shifter.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace singerprint {
namespace {

TEST(PitchShifter, ATakeOfWhichNothingIsAskedIsItself) {
  const PitchTables tables = pitch_shift_tables(44100.0, kOwnStyle);
  PitchShifter shifter(tables, kOwnStyle);
  std::mt19937 generator(0);
  std::normal_distribution<float> normal;
  std::vector<float> waveform(12345), result(waveform.size());
  for (float& sample : waveform) sample = normal(generator);
  shifter(waveform.data(), static_cast<std::int64_t>(waveform.size()), {1.0, 1.0, 1.0}, result.data());
  EXPECT_EQ(result, waveform);
}

}  // namespace
}  // namespace singerprint
