#include "dsp/psola.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

namespace singerprint {
namespace {

constexpr std::int64_t kSamples = 6000, kMargin = 2000;

// A waveform between zeros, and a segment of marks 100.3 samples apart with a grain on each of them.
struct Scene {
  Scene() : padded(static_cast<std::size_t>(kSamples + 2 * kMargin), 0.0f) {
    // Noise below half the band: what a table of twelve taps interpolates.
    std::mt19937 generator(0);
    std::uniform_real_distribution<double> unit;
    for (int line = 0; line < 200; ++line) {
      const double turn = 0.2 * unit(generator), phase = unit(generator);
      for (std::int64_t n = 0; n < kSamples; ++n) {
        waveform()[n] +=
            static_cast<float>(0.1 * std::cos(2.0 * std::numbers::pi * (turn * static_cast<double>(n) + phase)));
      }
    }
    for (double mark = 500.25; mark < 5400.0; mark += kPeriod) voice.marks.push_back(mark);
    segment.marks = static_cast<std::int64_t>(voice.marks.size());
    for (std::int64_t i = 0; i < segment.marks; ++i) {
      voice.grains.push_back({voice.marks[static_cast<std::size_t>(i)], i, 1.0f});
    }
    segment.grains = segment.marks;
  }
  float* waveform() { return padded.data() + kMargin; }
  std::vector<float> rendered(double formant_ratio, GrainWidth width = GrainWidth::kOwnPeriod) {
    std::vector<float> result(waveform(), waveform() + kSamples);
    render_psola(waveform(), kSamples, voice, segment, formant_ratio, width, sinc_table(formant_ratio), result.data());
    return result;
  }
  static constexpr double kPeriod = 100.3;
  std::vector<float> padded;
  Voice voice;
  VoicedSegment segment{};
};

TEST(SincTable, EveryRowSumsToOne) {
  for (const double widening : {0.25, 1.0, 1.5, 4.0}) {
    const SincTable table = sinc_table(widening);
    ASSERT_EQ(table.weights.size(), static_cast<std::size_t>((kSincPhases + 1) * table.taps));
    for (int phase = 0; phase <= kSincPhases; ++phase) {
      double sum = 0.0;
      for (int tap = 0; tap < table.taps; ++tap)
        sum += table.weights[static_cast<std::size_t>(phase * table.taps + tap)];
      EXPECT_NEAR(sum, 1.0, 1e-6) << phase;  // 48 roundings of weights below one at most
    }
  }
}

TEST(SincTable, WholeSamplesAreTaken) {
  const SincTable table = sinc_table(1.0);
  for (int tap = 0; tap < table.taps; ++tap) {
    const auto at = static_cast<std::size_t>(tap);
    EXPECT_NEAR(table.weights[at], tap == table.taps / 2 - 1 ? 1.0 : 0.0, 1e-7);  // sin(pi k) in double
    EXPECT_NEAR(table.weights[static_cast<std::size_t>(kSincPhases * table.taps) + at],
                tap == table.taps / 2 ? 1.0 : 0.0, 1e-7);
  }
}

TEST(SincTable, InterpolatesASine) {
  const SincTable table = sinc_table(1.0);
  for (const double turn : {0.01, 0.1, 0.25}) {  // cycles a sample, up to half the band
    const auto sine = [=](double n) { return std::sin(2.0 * std::numbers::pi * turn * n); };
    for (int phase = 0; phase <= kSincPhases; ++phase) {
      double sum = 0.0;
      for (int tap = 0; tap < table.taps; ++tap) {
        sum += table.weights[static_cast<std::size_t>(phase * table.taps + tap)] *
               sine(100.0 + tap - (table.taps / 2 - 1));
      }
      // -48 dB: what twelve taps leave half way up the band.
      EXPECT_NEAR(sum, sine(100.0 + static_cast<double>(phase) / kSincPhases), 4e-3) << turn << ", " << phase;
    }
  }
}

TEST(SincTable, AWideningTableLetsNothingThroughThatWouldFold) {
  const SincTable table = sinc_table(2.0);
  double re = 0.0, im = 0.0;  // response at 0.35 cycles a sample; read in steps of 2, it would lie at 0.7
  for (int tap = 0; tap < table.taps; ++tap) {
    const double angle = 2.0 * std::numbers::pi * 0.35 * tap;
    re += table.weights[static_cast<std::size_t>(tap)] * std::cos(angle);
    im += table.weights[static_cast<std::size_t>(tap)] * std::sin(angle);
  }
  EXPECT_LT(std::hypot(re, im), 3e-3);  // -50 dB
}

TEST(RenderPsola, GrainsOnTheirOwnMarksAddUpToTheWaveform) {
  Scene scene;
  const std::vector<float> result = scene.rendered(1.0);
  // Hann windows of equal periods sum to one; u is rounded to float: 2^-24 of 100 samples over a period.
  for (std::int64_t n = 0; n < kSamples; ++n)
    EXPECT_NEAR(result[static_cast<std::size_t>(n)], scene.waveform()[n], 3e-6) << n;
}

TEST(RenderPsola, BeyondAPeriodOfItsMarksNothingChanges) {
  Scene scene;
  for (Grain& grain : scene.voice.grains) grain.target += 13.7;
  scene.voice.grains.pop_back();
  --scene.segment.grains;
  const std::vector<float> result = scene.rendered(1.3);
  const double first = scene.voice.marks.front() - Scene::kPeriod, last = scene.voice.marks.back() + Scene::kPeriod;
  std::int64_t changed = 0;
  for (std::int64_t n = 0; n < kSamples; ++n) {
    const bool same = result[static_cast<std::size_t>(n)] == scene.waveform()[n];
    if (static_cast<double>(n) < first || static_cast<double>(n) > last) {
      EXPECT_TRUE(same) << n;
    }
    changed += !same;
  }
  EXPECT_GT(changed, 4500);
}

TEST(RenderPsola, ReadingByOneAndAlmostOneIsTheSame) {
  Scene scene;
  for (Grain& grain : scene.voice.grains) grain.target += 0.37;
  const std::vector<float> shifted = scene.rendered(1.0), scaled = scene.rendered(std::nextafter(1.0f, 2.0f));
  // 100 samples further the position differs by 1e-5: a neighbouring row of 256 now and then.
  for (std::size_t n = 0; n < shifted.size(); ++n) EXPECT_NEAR(shifted[n], scaled[n], 0.02) << n;
}

TEST(RenderPsola, AGrainWiderThanTheWantedPeriodIsNarrowedForPraat) {
  Scene scene;
  scene.voice.grains = {{1502.0 + 0.25, 10, 0.5f}};
  scene.segment.grains = 1;
  for (std::size_t n = 0; n < scene.padded.size(); ++n) scene.padded[n] = 1.0f;
  const std::vector<float> own = scene.rendered(1.0), narrow = scene.rendered(1.0, GrainWidth::kShorterPeriod);
  EXPECT_NEAR(own[1502], 0.5f, 1e-3f);
  EXPECT_NEAR(narrow[1502], 1.0f, 1e-3f);
  EXPECT_GT(own[1502 + 70], 0.05f);
  EXPECT_EQ(narrow[1502 + 70], 0.0f);
}

TEST(RenderPsola, AGrainThatHangsOverTheClipIsCutThere) {
  Scene scene;
  scene.voice.marks = {0.0, 300.0, 600.0, static_cast<double>(kSamples) - 1.0, static_cast<double>(kSamples)};
  scene.segment.marks = 5;
  scene.voice.grains = {{0.0, 0, 1.0f}, {0.3, 4, 1.0f}, {static_cast<double>(kSamples), 0, 2.0f}, {5999.5, 3, 1.0f}};
  scene.segment.grains = 4;
  for (const float sample : scene.rendered(1.0)) EXPECT_TRUE(std::isfinite(sample));
}

}  // namespace
}  // namespace singerprint
