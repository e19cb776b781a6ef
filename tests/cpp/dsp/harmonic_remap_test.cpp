#include "dsp/harmonic_remap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "sung_tone.h"

namespace singerprint {
namespace {

constexpr double kRate = 44100.0;
constexpr std::int64_t kSpacing = 256;
constexpr double kTurn = 2.0 * std::numbers::pi;

std::complex<double> phasor(double turns) { return std::polar(1.0, kTurn * turns); }

std::vector<float> remapped(const std::vector<float>& waveform, double rate, const PitchChange& change,
                            std::vector<VoicedSegment>* segments = nullptr) {
  const PitchTables tables = pitch_tables(rate, 2 * knot_spacing(rate), 60.0, 1500.0);
  VoiceAnalysis analysis(tables);
  const Voice& voice = analysis(waveform.data(), static_cast<std::int64_t>(waveform.size()), change, 0.0);
  HarmonicRemap remap(rate, knot_spacing(rate));
  std::vector<float> result = waveform;
  for (const VoicedSegment& segment : voice.segments) {
    remap(waveform.data(), voice, segment, change.formant_ratio, result.data());
  }
  if (segments != nullptr) *segments = voice.segments;
  return result;
}

// The amplitude of a line in the middle half of a waveform, through a Hann window.
double amplitude_at(const std::vector<float>& waveform, double hz, double rate) {
  const std::size_t first = waveform.size() / 4, count = waveform.size() / 2;
  std::complex<double> sum = 0.0;
  double weights = 0.0;
  for (std::size_t n = 0; n < count; ++n) {
    const double weight = 0.5 - 0.5 * std::cos(kTurn * static_cast<double>(n) / static_cast<double>(count));
    sum += weight * static_cast<double>(waveform[first + n]) * phasor(-hz / rate * static_cast<double>(n));
    weights += weight;
  }
  return 2.0 * std::abs(sum) / weights;
}

TEST(HarmonicLevels, SplitAndJoinedHarmonicsAreThemselves) {
  constexpr std::int32_t kCount = 16;
  std::vector<float> re(kCount), im(kCount), level(kCount), unit_re(kCount), unit_im(kCount), re_again(kCount),
      im_again(kCount);
  for (std::size_t k = 0; k < kCount; ++k) {
    const float magnitude = std::exp2(static_cast<float>(k) - 12.0f), angle = 0.7f * static_cast<float>(k);
    re[k] = magnitude * std::cos(angle);
    im[k] = magnitude * std::sin(angle);
  }
  SINGERPRINT_LANES(split_harmonics_lanes)(re.data(), im.data(), kCount, level.data(), unit_re.data(), unit_im.data());
  SINGERPRINT_LANES(join_harmonics_lanes)
  (level.data(), unit_re.data(), unit_im.data(), kCount, re_again.data(), im_again.data());
  for (std::size_t k = 0; k < kCount; ++k) {
    const float magnitude = std::hypot(re[k], im[k]);
    EXPECT_NEAR(level[k], std::log2(magnitude), 3e-6) << k;  // three units of a level of 12 octaves
    EXPECT_NEAR(re_again[k], re[k], 4e-6f * magnitude) << k;
    EXPECT_NEAR(im_again[k], im[k], 4e-6f * magnitude) << k;
  }
}

TEST(HarmonicRemap, AtRatioOneTheSumsCancel) {
  for (const double rate : {16000.0, 44100.0, 48000.0}) {
    const std::vector<float> tone = steady_tone(440.0, rate, static_cast<std::int64_t>(rate / 2));
    const std::vector<float> result = remapped(tone, rate, {1.0, 1.0, 1.0});
    // The slopes of s are floats: q, which adds them up, walks away from it by some 1e-6 cycles, and 33 harmonics with
    // it.
    for (std::size_t n = 0; n < tone.size(); ++n) EXPECT_NEAR(result[n], tone[n], 1e-4) << n;
  }
}

TEST(HarmonicRemap, LinesMoveAndTakeTheLevelOfTheEnvelope) {
  for (const double rate : {16000.0, 44100.0, 48000.0}) {
    // Lines at 1 / k, between which the cubic through their logarithms is level at line 1 and then follows closely.
    const std::vector<float> tone = steady_tone(440.0, rate, static_cast<std::int64_t>(rate));
    const std::vector<float> result = remapped(tone, rate, {1.25, 1.0, 1.0});
    for (int k = 1; k <= 6; ++k) {
      const double at = 1.25 * k, expected = 0.2 / at;
      EXPECT_NEAR(20.0 * std::log10(amplitude_at(result, 440.0 * at, rate) / expected), 0.0, k == 1 ? 1.3 : 0.5)
          << k << " at " << rate;
    }
    // What was there is gone: -50 dB of the first line, with what the windows leave.
    for (const double k : {1.0, 2.0, 3.0, 4.0}) EXPECT_LT(amplitude_at(result, 440.0 * k, rate), 6e-4) << k;
  }
}

TEST(HarmonicRemap, FormantsMoveAndLinesStay) {
  const std::vector<float> tone = steady_tone(440.0, kRate, 44100);
  const std::vector<float> result = remapped(tone, kRate, {1.0, 1.0, 1.25});
  for (int k = 2; k <= 10; ++k) {  // below line 1 the envelope is constant
    EXPECT_NEAR(20.0 * std::log10(amplitude_at(result, 440.0 * k, kRate) / (0.2 * 1.25 / k)), 0.0, k == 2 ? 0.9 : 0.5)
        << k;
  }
}

TEST(HarmonicRemap, OutsideItsSegmentsNothingChanges) {
  std::vector<float> waveform = steady_tone(440.0, kRate, 40000);
  for (std::size_t n = 15000; n < 25000; ++n) waveform[n] = 1e-6f * static_cast<float>(n % 7);
  std::vector<VoicedSegment> segments;
  const std::vector<float> result = remapped(waveform, kRate, {0.8, 1.0, 1.1}, &segments);
  ASSERT_EQ(segments.size(), 2u);
  for (std::int64_t n = segments[0].last_knot * kSpacing; n <= segments[1].first_knot * kSpacing; ++n) {
    EXPECT_EQ(result[static_cast<std::size_t>(n)], waveform[static_cast<std::size_t>(n)]) << n;
  }
}

// At 8 kHz a voice of 1500 Hz whose phase runs ahead of the track has no second harmonic.
TEST(HarmonicRemap, OneHarmonicIsEnough) {
  constexpr std::int64_t kIntervals = 8;
  constexpr float kSlope = 0.23f;
  const std::int64_t spacing = knot_spacing(8000.0);
  std::vector<float> tone;
  for (std::int64_t n = 0; n < kIntervals * spacing; ++n) {
    tone.push_back(static_cast<float>(std::cos(kTurn * static_cast<double>(kSlope) * static_cast<double>(n))));
  }
  Voice voice{};
  voice.spacing = spacing;
  for (std::int64_t m = 0; m <= kIntervals; ++m) {
    const double cycles = static_cast<double>(kSlope) * static_cast<double>(m * spacing);
    voice.knots.push_back({cycles, 0.5 * cycles, kSlope, 0.0f, 0.0f, 0.0f, 0.5f});
  }
  VoicedSegment segment{};
  segment.last_knot = kIntervals;
  std::vector<float> result = tone;
  HarmonicRemap(8000.0, spacing)(tone.data(), voice, segment, 1.0, result.data());
  // Lines at 0.115, 0.23 and 0.345 of the sample rate, with the level of the one.
  for (const double line : {0.115, 0.23, 0.345}) EXPECT_NEAR(amplitude_at(result, line, 1.0), 1.0, 0.02) << line;
}

}  // namespace
}  // namespace singerprint
