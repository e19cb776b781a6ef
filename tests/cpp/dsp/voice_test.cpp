#include "dsp/voice.h"

#include <gtest/gtest.h>

namespace singerprint {
namespace {

TEST(KnotSpacing, IsAMultipleOfTheDecimationAtEverySampleRate) {
  for (const double rate : {8000.0, 11025.0, 16000.0, 22050.0, 32000.0, 44100.0, 48000.0, 96000.0, 192000.0}) {
    const PitchPlan plan = pitch_tables(rate, 2 * knot_spacing(rate), 60.0, 1500.0).plan;
    EXPECT_EQ(knot_spacing(rate) % plan.decimation, 0) << rate;
    EXPECT_NEAR(static_cast<double>(knot_spacing(rate)) / rate, 256.0 / 44100.0, 0.5 * plan.decimation / rate) << rate;
  }
}

}  // namespace
}  // namespace singerprint
