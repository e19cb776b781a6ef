#include "frontend/log_mel_options.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace singerprint {
namespace {

LogMelOptions options() {
  return {44100.0, 2048, 512,  80,   0.0,       22050.0, "slaney", "slaney", 1e-8,
          "hann",  2048, true, true, "reflect", 2,       "ln",     0.0};
}

TEST(LogMelOptions, FramesAreCountedFromTheirCentresOrTheirBeginnings) {
  LogMelOptions centred = options(), begun = options();
  begun.centred = false;
  EXPECT_EQ(checked_frames(at::zeros({1, 4096}), centred).expect_int(), 9);
  EXPECT_EQ(checked_frames(at::zeros({1, 4096}), begun).expect_int(), 5);
  EXPECT_EQ(checked_frames(at::zeros({1, 2048}), begun).expect_int(), 1);
  EXPECT_THROW(checked_frames(at::zeros({1, 2047}), begun), c10::Error);
  EXPECT_THROW(checked_frames(at::zeros({1, 1024}), centred), c10::Error);
  centred.padding = "zeros";
  EXPECT_EQ(checked_frames(at::zeros({1, 1}), centred).expect_int(), 1);
}

TEST(LogMelOptions, LevelsAreLogarithmsDecibelsOrTheSum) {
  LogMelOptions asked = options();
  asked.log_floor = 0.5;
  EXPECT_DOUBLE_EQ(level_of(3.0, level_options<double>(asked)), std::log(3.0 + 1e-8));
  EXPECT_DOUBLE_EQ(level_of(0.1, level_options<double>(asked)), std::log(0.5));
  EXPECT_TRUE(std::isnan(level_of(std::nan(""), level_options<double>(asked))));
  asked.log = "db";
  EXPECT_NEAR(level_of(3.0, level_options<double>(asked)), 10.0 * std::log10(3.0 + 1e-8), 1e-14);
  asked.power = 1;
  EXPECT_NEAR(level_of(3.0, level_options<double>(asked)), 20.0 * std::log10(3.0 + 1e-8), 1e-14);
  asked.log = "none";
  EXPECT_EQ(level_of(0.1, level_options<double>(asked)), 0.1);
}

}  // namespace
}  // namespace singerprint
