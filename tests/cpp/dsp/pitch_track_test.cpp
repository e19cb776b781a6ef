#include "dsp/pitch_track.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "dsp/pitch_candidates.h"
#include "sung_tone.h"

namespace singerprint {
namespace {

constexpr double kRate = 44100.0;

std::int64_t size_of(const std::vector<float>& values) { return static_cast<std::int64_t>(values.size()); }

std::vector<float> track(const PitchTables& tables, const std::vector<float>& waveform) {
  std::vector<float> hz(static_cast<std::size_t>(pitch_frames(tables.plan, size_of(waveform))));
  PitchTracker tracker(tables);
  tracker(waveform.data(), size_of(waveform), hz.data());
  return hz;
}

std::vector<float> decimated(const PitchTables& tables, const std::vector<float>& waveform) {
  std::vector<float> hz(static_cast<std::size_t>(pitch_frames(tables.plan, size_of(waveform))));
  PitchTracker tracker(tables);
  tracker(waveform.data(), size_of(waveform), hz.data());
  return {tracker.decimated(), tracker.decimated() + decimated_samples(tables.plan, size_of(waveform))};
}

std::vector<float> sine(double hz, std::int64_t samples) {
  std::vector<float> waveform;
  for (std::int64_t n = 0; n < samples; ++n) {
    waveform.push_back(static_cast<float>(std::sin(2.0 * std::numbers::pi * hz / kRate * static_cast<double>(n))));
  }
  return waveform;
}

TEST(Log2Of, IsWithinTwoUnitsInTheLastPlace) {
  for (std::uint32_t bits = 0x00800000; bits < 0x7f800000; bits += 9973) {
    const float x = std::bit_cast<float>(bits);
    const double expected = std::log2(static_cast<double>(x));
    // Near 1 the logarithm is small and its error that of s: of the size of 1's unit.
    const double unit = std::max(std::ldexp(1.0, std::ilogb(expected) - 23), 0x1p-24);
    EXPECT_NEAR(log2_of(x), expected, 2.0 * unit) << x;
  }
}

TEST(Decimation, KeepsAToneAndTakesEveryFourthSample) {
  const PitchTables tables = pitch_tables(kRate, 512, 60.0, 1500.0);
  ASSERT_EQ(tables.plan.decimation, 4);
  const std::vector<float> tone = sine(1000.0, 8000), y = decimated(tables, tone);
  ASSERT_EQ(y.size(), 2000u);
  // 0.25 %: the ripple of a Hamming window's pass band.
  for (std::size_t i = 10; i < y.size() - 10; ++i) EXPECT_NEAR(y[i], tone[4 * i], 0.0025) << i;
}

TEST(Decimation, LeavesNothingOfTwentyKilohertz) {
  const PitchTables tables = pitch_tables(kRate, 512, 60.0, 1500.0);
  const std::vector<float> y = decimated(tables, sine(20000.0, 8000));
  // -53 dB: a Hamming window's stop band.
  for (std::size_t i = 10; i < y.size() - 10; ++i) EXPECT_LT(std::abs(y[i]), 0.0023f) << i;
}

TEST(Decimation, WithoutDecimationIsTheWaveformAndWhatIsNotFiniteSilence) {
  const PitchTables tables = pitch_tables(11025.0, 128, 60.0, 1500.0);
  ASSERT_EQ(tables.plan.decimation, 1);
  std::vector<float> waveform = sine(440.0, 777);
  waveform[100] = std::numeric_limits<float>::quiet_NaN();
  waveform[200] = std::numeric_limits<float>::infinity();
  const std::vector<float> y = decimated(tables, waveform);
  waveform[100] = waveform[200] = 0.0f;
  EXPECT_EQ(y, waveform);
}

TEST(CentreFrame, TakesTheMeanAwayAndFindsTheLargestOfTheMiddle) {
  std::mt19937 generator(0);
  std::normal_distribution<float> normal(0.5f, 1.0f);
  for (const std::size_t length : {1u, 26u, 47u, 550u}) {
    std::vector<float> frame(length), centred(length);
    for (float& sample : frame) sample = normal(generator);
    const float found = SINGERPRINT_LANES(centre_frame_lanes)(frame.data(), static_cast<int>(length), centred.data());
    double mean = 0.0, peak = 0.0;
    for (const float sample : frame) mean += sample / static_cast<double>(length);
    for (std::size_t n = length / 3; n < length - length / 3; ++n) peak = std::max(peak, std::abs(frame[n] - mean));
    // Roundings of a mean near 0.5 and of numbers up to 4.
    for (std::size_t n = 0; n < length; ++n) EXPECT_NEAR(centred[n], frame[n] - mean, 1e-6) << n;
    EXPECT_NEAR(found, peak, 1e-6) << length;
  }
}

// A damped sum of cosines in every lane: autocorrelations with peaks of all heights.
std::vector<float> some_autocorrelations(const PitchPlan& plan, std::size_t lanes) {
  std::mt19937 generator(0);
  std::uniform_real_distribution<double> turns(0.004, 0.3);
  std::vector<float> ac(static_cast<std::size_t>(plan.lags) * lanes);
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const double first = turns(generator), second = turns(generator);
    for (std::size_t lag = 0; lag < static_cast<std::size_t>(plan.lags); ++lag) {
      const double cosines = std::cos(2.0 * std::numbers::pi * first * static_cast<double>(lag)) +
                             0.5 * std::cos(2.0 * std::numbers::pi * second * static_cast<double>(lag));
      ac[lag * lanes + lane] = static_cast<float>(cosines / plan.lags * static_cast<double>(plan.lags - lag));
    }
  }
  return ac;
}

TEST(PitchPeaks, AreThoseOfTheObviousLoops) {
  const PitchTables tables = pitch_tables(kRate, 512, 60.0, 1500.0);
  const PitchPlan& plan = tables.plan;
  const auto lanes = static_cast<std::size_t>(PowerSpectrum::frames_at_once());
  std::vector<float> ac = some_autocorrelations(plan, lanes);
  for (std::size_t lag = 0; lag < static_cast<std::size_t>(plan.lags); ++lag) ac[lag * lanes + 1] = 0.0f;
  std::vector<float> work(static_cast<std::size_t>(kPeakHalfTaps + plan.lags) * lanes);
  std::vector<PitchPeak> peaks(static_cast<std::size_t>(plan.lags) / 2 * lanes);
  peaks.resize(static_cast<std::size_t>(
      SINGERPRINT_LANES(pitch_peaks_lanes)(ac.data(), tables.inverse_window_ac.data(), tables.peak_weights.data(),
                                           plan.shortest_lag, plan.lags, work.data(), peaks.data())));
  std::size_t next = 0;
  for (int lag = plan.shortest_lag; lag + kPeakHalfTaps < plan.lags; ++lag) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const auto r = [&](int at) {
        const auto l = static_cast<std::size_t>(std::abs(at));
        return ac[l * lanes + lane] * (tables.inverse_window_ac[l] * (1.0f / ac[lane]));
      };
      if (lane == 1 || !is_pitch_peak(r(lag - 1), r(lag), r(lag + 1))) continue;  // none in silence
      ASSERT_LT(next, peaks.size());
      const PitchPeak& peak = peaks[next++];
      EXPECT_EQ(peak.lag, lag);
      EXPECT_EQ(peak.lane, static_cast<int>(lane));
      for (int phase = 0; phase < kPeakPhases; ++phase) {
        float height = 0.0f;
        for (int tap = 0; tap < kPeakTaps; ++tap) {
          height +=
              tables.peak_weights[static_cast<std::size_t>(tap * kPeakRow + phase)] * r(lag + tap - kPeakHalfTaps);
        }
        EXPECT_EQ(peak.heights[phase], height) << lag;  // the same roundings in the same order
      }
    }
  }
  EXPECT_EQ(next, peaks.size());
  EXPECT_GT(next, 10 * lanes);
}

struct Case {
  double sample_rate_hz, hz;
};
class PitchOfATone : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Tones, PitchOfATone,
                         testing::Values(Case{44100, 65}, Case{44100, 97.3}, Case{44100, 146.8}, Case{44100, 220},
                                         Case{44100, 443}, Case{44100, 700}, Case{44100, 987.7}, Case{44100, 1200},
                                         Case{44100, 1400}, Case{8000, 65}, Case{8000, 440}, Case{8000, 1000},
                                         Case{16000, 110}, Case{16000, 1400}, Case{48000, 65}, Case{48000, 1400},
                                         Case{192000, 300}));

TEST_P(PitchOfATone, IsFoundWithinTwoCents) {
  const auto [rate, hz] = GetParam();
  const PitchTables tables = pitch_tables(rate, 512, 60.0, 1500.0);
  const std::vector<float> found = track(tables, steady_tone(hz, rate, static_cast<std::int64_t>(rate / 2)));
  const auto half_window = static_cast<std::size_t>(1.5 / 60.0 * rate / 512.0) + 1;
  for (std::size_t frame = half_window; frame < found.size() - half_window; ++frame) {
    // What the window's own autocorrelation leaves in three periods: 1 to 2 cents.
    EXPECT_NEAR(1200.0 * std::log2(found[frame] / hz), 0.0, 2.0) << frame;
  }
}

TEST(PitchTracker, FollowsAVoiceDownAnOctave) {
  const auto glide = [](double seconds) { return 440.0 * std::exp2(-seconds); };
  const std::vector<float> found =
      track(pitch_tables(kRate, 512, 60.0, 1500.0), sung_tone(phase_of(glide, kRate, 44100), 440.0, kRate));
  for (std::size_t frame = 3; frame < found.size() - 3; ++frame) {
    // Over a window of 50 ms the voice falls by 60 cents: the louder half decides by a few.
    EXPECT_NEAR(1200.0 * std::log2(found[frame] / glide(static_cast<double>(frame) * 512.0 / kRate)), 0.0, 5.0)
        << frame;
  }
}

TEST(PitchTracker, FindsNothingInSilenceAndInAConstant) {
  const PitchTables tables = pitch_tables(kRate, 512, 60.0, 1500.0);
  for (const float level : {0.0f, 0.5f, -1e-20f, 1e30f}) {
    for (const std::size_t samples : {0u, 1u, 300u, 20000u}) {
      for (const float hz : track(tables, std::vector<float>(samples, level)))
        EXPECT_EQ(hz, 0.0f) << level << " x " << samples;
    }
  }
}

TEST(PitchTracker, FindsLittleInNoise) {
  std::mt19937 generator(0);
  std::normal_distribution<float> normal;
  std::vector<float> noise(4 * 44100);
  for (float& sample : noise) sample = normal(generator);
  const std::vector<float> found = track(pitch_tables(kRate, 512, 60.0, 1500.0), noise);
  const auto voiced = std::count_if(found.begin(), found.end(), [](float hz) { return hz > 0.0f; });
  EXPECT_LT(static_cast<double>(voiced), 0.05 * static_cast<double>(found.size()));
}

TEST(PitchTracker, DoesNotDependOnTheLevel) {
  const PitchTables tables = pitch_tables(kRate, 512, 60.0, 1500.0);
  std::vector<float> tone = steady_tone(220.0, kRate, 10000);
  const std::vector<float> expected = track(tables, tone);
  for (float& sample : tone) sample *= 0x1p-40f;  // powers of two change no rounding
  EXPECT_EQ(track(tables, tone), expected);
}

TEST(PitchTracker, ANotePlayedAfterAnotherClipIsTheSame) {
  const PitchTables tables = pitch_tables(kRate, 512, 60.0, 1500.0);
  const std::vector<float> first = steady_tone(700.0, kRate, 30000), second = steady_tone(110.0, kRate, 9000);
  PitchTracker tracker(tables);
  std::vector<float> unused(59), again(18);
  tracker(first.data(), size_of(first), unused.data());
  tracker(second.data(), size_of(second), again.data());
  EXPECT_EQ(again, track(tables, second));
}

// Where only high pitches are looked for, fewer lags lie in a window than the search around a peak would read.
TEST(PitchTracker, LooksForHighPitchesAlone) {
  const std::vector<float> tone = sine(2600.0, 20000);
  for (const double lowest_hz : {1000.0, 2200.0, 2400.0, 2599.0}) {
    const std::vector<float> found = track(pitch_tables(kRate, 512, lowest_hz, 3000.0), tone);
    for (std::size_t frame = 2; frame < found.size() - 2; ++frame) {
      EXPECT_TRUE(found[frame] == 0.0f || std::abs(found[frame] - 2600.0f) < 26.0f)
          << lowest_hz << ": " << found[frame];
    }
  }
}

TEST(PitchTracker, AHopLongerThanTheClipLeavesTheFirstFrame) {
  const std::vector<float> tone = steady_tone(220.0, kRate, 5000);
  EXPECT_EQ(track(pitch_tables(kRate, std::int64_t{1} << 32, 60.0, 1500.0), tone).size(), 1u);
}

}  // namespace
}  // namespace singerprint
