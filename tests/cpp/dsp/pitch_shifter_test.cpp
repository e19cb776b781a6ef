#include "dsp/pitch_shifter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "odd_clips.h"
#include "sung_tone.h"

namespace singerprint {
namespace {

constexpr double kRate = 44100.0;

class Shifter {
 public:
  explicit Shifter(double rate = kRate, const PitchShiftStyle& style = kOwnStyle)
      : tables_(pitch_shift_tables(rate, style)), shifter_(tables_, style) {}
  std::vector<float> operator()(const std::vector<float>& waveform, const PitchChange& change) {
    std::vector<float> result(waveform.size(), -1.0f);
    shifter_(waveform.data(), static_cast<std::int64_t>(waveform.size()), change, result.data());
    return result;
  }

 private:
  PitchTables tables_;
  PitchShifter shifter_;
};

TEST(PitchShifter, AClipOfWhichNothingIsAskedIsItself) {
  const std::vector<float> waveform = steady_tone(150.0, kRate, 12345);
  EXPECT_EQ(Shifter()(waveform, {1.0, 1.0, 1.0}), waveform);
}

TEST(PitchShifter, WhatIsUnvoicedOrSilentPassesBitForBit) {
  Shifter shift;
  EXPECT_EQ(shift(std::vector<float>(20000, 0.0f), {1.3, 1.0, 1.1}), std::vector<float>(20000, 0.0f));
  for (const double hz : {110.0, 440.0}) {
    std::vector<float> waveform = steady_tone(hz, kRate, 40000);
    const std::vector<float> hiss = noise(20000, 0.01f, 1);
    std::copy(hiss.begin(), hiss.end(), waveform.begin() + 20000);
    const std::vector<float> result = shift(waveform, {1.3, 1.0, 1.0});
    // Two frames after the voice, and where no window of the tracker reaches it.
    for (std::size_t n = 22500; n < waveform.size(); ++n) ASSERT_EQ(result[n], waveform[n]) << n;
    std::size_t changed = 0;
    for (std::size_t n = 0; n < 20000; ++n) changed += result[n] != waveform[n];
    EXPECT_GT(changed, 18000u) << hz;
  }
}

TEST(PitchShifter, TheClipsBeforeLeaveNoTrace) {
  Shifter used;
  const std::vector<float> high = steady_tone(700.0, kRate, 30001), low = steady_tone(98.0, kRate, 20011);
  used(high, {1.5, 1.0, 1.7});
  used(low, {0.7, 2.0, 0.6});
  for (const PitchChange& change : {PitchChange{1.2, 1.0, 1.0}, PitchChange{1.2, 0.5, 1.3}}) {
    EXPECT_EQ(used(low, change), Shifter()(low, change));
    EXPECT_EQ(used(high, change), Shifter()(high, change));
  }
}

TEST(PitchShifter, ThePitchIsAsAskedForInBothRenderers) {
  for (const double hz : {98.0, 180.0, 233.0, 523.0, 1100.0}) {
    for (const double ratio : {0.7, 1.0 / 1.3, 1.3}) {
      const std::vector<float> result = Shifter()(steady_tone(hz, kRate, 30000), {ratio, 1.0, 1.0});
      const PitchTables tables = pitch_tables(kRate, 512, 60.0, 1500.0);
      std::vector<float> found(59);
      PitchTracker track(tables);
      track(result.data(), 30000, found.data());
      for (std::size_t frame = 5; frame < 54; ++frame) {
        // Three cents: the tracker's own two, and a grain's rounding to a 256th of a sample.
        EXPECT_NEAR(1200.0 * std::log2(found[frame] / (hz * ratio)), 0.0, 3.0) << hz << " x " << ratio;
      }
    }
  }
}

TEST(PitchShifter, PraatsStyleLeavesWhatItDoesNotHear) {
  Shifter praat(kRate, kPraatStyle);
  const std::vector<float> low = steady_tone(150.0, kRate, 20000);
  EXPECT_NE(praat(low, {1.3, 1.0, 1.0}), low);
  EXPECT_NE(praat(low, {1.3, 1.0, 1.0}), Shifter()(low, {1.3, 1.0, 1.0}));
}

TEST(PitchShifter, NoSampleThatIsNotFiniteSpreadsBeyondItsPeriods) {
  for (const double hz : {110.0, 440.0}) {
    std::vector<float> waveform = steady_tone(hz, kRate, 44100);
    waveform[20000] = std::numeric_limits<float>::quiet_NaN();
    waveform[20100] = std::numeric_limits<float>::infinity();
    const std::vector<float> result = Shifter()(waveform, {1.2, 1.0, 1.1});
    for (std::size_t n = 0; n < result.size(); ++n) {
      // Three periods of 110 Hz; two knots' windows of 12 ms.
      const bool near = n >= 18800 && n <= 21300;
      ASSERT_TRUE(near || std::isfinite(result[n])) << n;
    }
  }
}

TEST(PitchShifter, FiniteClipsOfAnyKindStayFinite) {
  std::mt19937 generator(7);
  const float ends[] = {0.25f, 1.0f, 4.0f}, ranges[] = {0.0f, 1.0f, 4.0f};
  for (const double rate : {8000.0, 16000.0, 44100.0, 48000.0, 192000.0}) {
    for (const PitchShiftStyle& style : {kOwnStyle, kPraatStyle}) {
      Shifter shift(rate, style);
      int number = 0;
      for (const std::vector<float>& clip : odd_clips(rate, generator)) {
        const PitchChange change{ends[generator() % 3], ranges[generator() % 3], ends[generator() % 3]};
        EXPECT_TRUE(all_finite(shift(clip, change)))
            << "clip " << number << " at " << rate << ": " << change.pitch_ratio << ", " << change.pitch_range_ratio
            << ", " << change.formant_ratio;
        ++number;
      }
    }
  }
}

TEST(PitchShifter, ClipsWithInfinitiesAndNanEnd) {
  std::mt19937 generator(8);
  const float odd[] = {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                       std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::max()};
  Shifter shift;
  for (int i = 0; i < 12; ++i) {
    std::vector<float> clip = steady_tone(60.0 * std::exp2(i / 3.0), kRate, 9000);
    for (int k = 0; k < 1 << i; ++k) clip[generator() % clip.size()] = odd[generator() % 4];
    EXPECT_EQ(shift(clip, {i % 2 == 0 ? 0.25 : 4.0, 4.0, i % 3 == 0 ? 4.0 : 0.25}).size(), clip.size());
  }
}

}  // namespace
}  // namespace singerprint
