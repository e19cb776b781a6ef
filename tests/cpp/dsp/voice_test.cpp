#include "dsp/voice.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "sung_tone.h"

namespace singerprint {
namespace {

constexpr double kRate = 44100.0;
constexpr double kSpacing = 256.0;
constexpr PitchChange kUnchanged{1.0, 1.0, 1.0};

PitchTables tables_for(double sample_rate_hz) {
  return pitch_tables(sample_rate_hz, 2 * knot_spacing(sample_rate_hz), 60.0, 1500.0);
}

Voice analyse(const std::vector<float>& waveform, const PitchChange& change, double sample_rate_hz = kRate,
              double grains_below_hz = 2000.0) {
  const PitchTables tables = tables_for(sample_rate_hz);
  VoiceAnalysis analysis(tables);
  return analysis(waveform.data(), static_cast<std::int64_t>(waveform.size()), change, grains_below_hz);
}

double vibrato(double seconds) { return 200.0 * std::exp2(std::sin(2.0 * std::numbers::pi * 5.5 * seconds) / 12.0); }

TEST(KnotSpacing, IsAMultipleOfTheDecimationAtEverySampleRate) {
  for (const double rate : {8000.0, 11025.0, 16000.0, 22050.0, 32000.0, 44100.0, 48000.0, 96000.0, 192000.0}) {
    const PitchPlan plan = tables_for(rate).plan;
    EXPECT_EQ(knot_spacing(rate) % plan.decimation, 0) << rate;
    EXPECT_NEAR(static_cast<double>(knot_spacing(rate)) / rate, kSpacing / kRate, 0.5 * plan.decimation / rate) << rate;
  }
}

TEST(TimeOfAdvance, InvertsThePhase) {
  std::mt19937 generator(0);
  std::uniform_real_distribution<double> hz(60.0, 1500.0), unit(-1.0, 1.0);
  for (int i = 0; i < 1000; ++i) {
    PhaseKnot knot{};
    const double slope = hz(generator) / kRate;
    knot.source = 1000.0 * unit(generator);
    knot.slope = static_cast<float>(slope);
    // A frequency that changes by up to a fifth within the interval.
    knot.curve = static_cast<float>(0.1 * unit(generator) * slope / kSpacing);
    knot.bend = static_cast<float>(0.03 * unit(generator) * slope / (kSpacing * kSpacing));
    const double constant = 0.1 * unit(generator) * slope, factor = 1.0 + 0.5 * unit(generator);
    const double t = 0.5 * kSpacing * (1.0 + unit(generator));
    const double advance = constant * t + factor * (source_at(knot, t) - knot.source);
    EXPECT_NEAR(time_of_advance(knot, constant, factor, advance, kSpacing), t, 1e-6);
  }
}

TEST(FrequencyMap, IsLinearInHertzAroundTheMedian) {
  const auto wanted_hz = [](double ratio, double range, double hz) {
    const FrequencyMap map = frequency_map({ratio, range, 1.0}, 200.0, kRate, hz / kRate, hz / kRate);
    return kRate * (map.constant + map.factor * hz / kRate);
  };
  EXPECT_NEAR(wanted_hz(1.0, 1.0, 230.0), 230.0, 1e-9);
  EXPECT_NEAR(wanted_hz(1.5, 1.0, 230.0), 345.0, 1e-9);
  EXPECT_NEAR(wanted_hz(1.5, 2.0, 230.0), 300.0 + 1.5 * 2.0 * 30.0, 1e-9);  // median 1.5 x 200, distance 3 x 30
  EXPECT_NEAR(wanted_hz(0.5, 0.0, 230.0), 100.0, 1e-9);
}

TEST(FrequencyMap, StaysWithinTwentyHertzAndAQuarterOfTheSampleRate) {
  const FrequencyMap low = frequency_map({0.25, 4.0, 1.0}, 400.0, kRate, 100.0 / kRate, 110.0 / kRate);
  EXPECT_EQ(low.factor, 0.0);  // 100 + 105 - 400 < 0
  EXPECT_DOUBLE_EQ(low.constant * kRate, 20.0);
  const FrequencyMap high = frequency_map({4.0, 1.0, 1.0}, 1500.0, 8000.0, 1400.0 / 8000.0, 1500.0 / 8000.0);
  EXPECT_EQ(high.factor, 0.0);
  EXPECT_DOUBLE_EQ(high.constant, 0.25);
}

TEST(Marks, AreOnePeriodApartAndDoNotDrift) {
  for (const double rate : {8000.0, 16000.0, 44100.0, 48000.0}) {
    for (const double hz : {65.0, 110.7, 220.0, 523.3, 1400.0}) {
      if (hz > rate / 8.0) continue;
      const std::vector<float> tone = steady_tone(hz, rate, static_cast<std::int64_t>(1.5 * rate));
      const Voice voice = analyse(tone, kUnchanged, rate);
      ASSERT_EQ(voice.segments.size(), 1u);
      const std::vector<double>& marks = voice.marks;
      ASSERT_GT(static_cast<double>(marks.size()), 1.4 * hz);
      // The first and last windows reach over the clip's ends: their phases are less exact.
      const std::size_t edge = static_cast<std::size_t>(0.05 * hz) + 1;
      const double period = rate / hz;
      for (std::size_t i = edge; i + 1 + edge < marks.size(); ++i) {
        EXPECT_NEAR(marks[i + 1] - marks[i], period, 0.01 * period) << hz << " Hz at " << rate << ", mark " << i;
      }
      const double periods = static_cast<double>(marks.size() - 1 - 2 * edge);
      EXPECT_NEAR((marks[marks.size() - 1 - edge] - marks[edge]) / periods, period, 0.01 * period / periods) << hz;
    }
  }
}

// The phase of the voice at every mark; marks at `from` ... samples.size() - from.
void expect_marks_at_one_phase(const std::vector<double>& phase, const std::vector<double>& marks, double cycles) {
  std::vector<double> at;
  for (const double mark : marks) {
    const auto n = static_cast<std::size_t>(mark);
    if (n < 4000 || n + 4000 > phase.size()) continue;
    at.push_back(phase[n] + (mark - static_cast<double>(n)) * (phase[n + 1] - phase[n]));
  }
  ASSERT_GT(at.size(), 100u);
  for (std::size_t i = 0; i < at.size(); ++i) EXPECT_NEAR(at[i] - at[0], static_cast<double>(i), cycles) << i;
}

TEST(Marks, KeepTheirPhaseThroughVibrato) {
  const std::vector<double> phase = phase_of(vibrato, kRate, 88200);
  // A hundredth of a period to either side: what the window smears while the frequency moves by a semitone.
  expect_marks_at_one_phase(phase, analyse(sung_tone(phase, 215.0, kRate), kUnchanged).marks, 0.02);
}

TEST(Marks, LockOnAHigherHarmonicWhereTheFirstIsMissing) {
  const std::vector<double> phase = phase_of(vibrato, kRate, 88200);
  std::vector<float> tone = sung_tone(phase, 215.0, kRate);
  for (std::size_t n = 0; n < tone.size(); ++n) {
    tone[n] -= static_cast<float>(0.2 * std::cos(2.0 * std::numbers::pi * phase[n]));
  }
  expect_marks_at_one_phase(phase, analyse(tone, kUnchanged).marks, 0.02);
}

TEST(Marks, StandWhereTheEnergyOfAPeriodIs) {
  const std::vector<double> phase = phase_of([](double) { return 150.0; }, kRate, 44100);
  for (const double mark : analyse(sung_tone(phase, 150.0, kRate), kUnchanged).marks) {
    const double cycles = mark * 150.0 / kRate;  // the harmonics' cosines meet at whole numbers
    EXPECT_NEAR(cycles, std::round(cycles), 0.03);
  }
}

TEST(Grains, CarryTheWantedFrequency) {
  const std::vector<double> phase = phase_of(vibrato, kRate, 88200);
  const std::vector<float> tone = sung_tone(phase, 215.0, kRate);
  const Voice flat = analyse(tone, {1.25, 0.0, 1.0});
  const double period = kRate / (1.25 * flat.median_hz);
  ASSERT_GT(flat.grains.size(), 400u);
  for (std::size_t j = 0; j + 1 < flat.grains.size(); ++j) {
    EXPECT_NEAR(flat.grains[j + 1].target - flat.grains[j].target, period, 1e-3 * period) << j;
  }
  const Voice same = analyse(tone, {1.0, 1.0, 1.1});
  ASSERT_GE(same.grains.size() + 1, same.marks.size());
  for (const Grain& grain : same.grains) {
    EXPECT_NEAR(grain.target, same.marks[static_cast<std::size_t>(grain.source)], 1e-2);
    EXPECT_NEAR(grain.gain, 1.0f, 1e-6f);
  }
}

TEST(Grains, StandInSegmentsBelowTheFrequencyAskedFor) {
  std::vector<float> waveform = steady_tone(300.0, kRate, 30000), low = steady_tone(150.0, kRate, 30000);
  waveform.resize(40000, 0.0f);
  waveform.insert(waveform.end(), low.begin(), low.end());
  const Voice all = analyse(waveform, {1.2, 1.0, 1.0}), some = analyse(waveform, {1.2, 1.0, 1.0}, kRate, 200.0);
  ASSERT_EQ(some.segments.size(), 2u);
  EXPECT_EQ(some.marks, all.marks);
  EXPECT_EQ(some.segments[0].grains, 0);
  EXPECT_GT(all.segments[0].grains, 100);
  EXPECT_EQ(some.segments[1].grains, all.segments[1].grains);
  EXPECT_EQ(static_cast<std::int64_t>(some.grains.size()), some.segments[1].grains);
}

TEST(Voice, SegmentsLieWithinTheClipAndApart) {
  std::vector<float> waveform = steady_tone(300.0, kRate, 30000);
  for (std::size_t n = 10000; n < 18000; ++n) waveform[n] = 0.0f;
  for (const std::size_t samples : {30000u, 29999u, 29696u, 29695u}) {
    waveform.resize(samples);
    const Voice voice = analyse(waveform, {1.2, 1.0, 1.0});
    ASSERT_EQ(voice.segments.size(), 2u);
    EXPECT_EQ(voice.segments[0].first_knot, 0);
    EXPECT_LT(voice.segments[0].last_knot, voice.segments[1].first_knot);
    EXPECT_LE(voice.segments[1].last_knot * voice.spacing, static_cast<std::int64_t>(samples));
    for (const double mark : voice.marks) EXPECT_LE(mark, static_cast<double>(samples));
  }
}

TEST(Voice, IsEmptyWhereNobodySings) {
  for (const std::size_t samples : {0u, 1u, 2205u}) {
    const Voice voice = analyse(std::vector<float>(samples, 0.0f), {1.2, 1.0, 1.0});
    EXPECT_TRUE(voice.segments.empty() && voice.marks.empty() && voice.grains.empty());
    EXPECT_EQ(voice.median_hz, 0.0);
  }
}

}  // namespace
}  // namespace singerprint
