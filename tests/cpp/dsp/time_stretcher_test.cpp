#include "dsp/time_stretcher.h"

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

class Stretcher {
 public:
  explicit Stretcher(double sample_rate_hz = kRate)
      : tables_(time_stretch_tables(sample_rate_hz)), stretcher_(tables_) {}
  std::vector<float> operator()(const std::vector<float>& waveform, double rate, std::size_t samples) {
    std::vector<float> result(samples, -1.0f);
    stretcher_(waveform.data(), static_cast<std::int64_t>(waveform.size()), rate, result.data(),
               static_cast<std::int64_t>(samples));
    return result;
  }
  std::vector<float> operator()(const std::vector<float>& waveform, double rate) {
    return (*this)(waveform, rate, static_cast<std::size_t>(std::lround(static_cast<double>(waveform.size()) / rate)));
  }

 private:
  PitchTables tables_;
  TimeStretcher stretcher_;
};

double energy(const std::vector<float>& waveform) {
  double sum = 0.0;
  for (const float sample : waveform) sum += static_cast<double>(sample) * sample;
  return sum;
}

TEST(TimeBetweenMarks, IsTheMarkAtWholeNumbersAndACubicBetween) {
  std::vector<double> marks;  // a glide: t = u^2 has straight slopes, which the cubic follows exactly inside
  for (int i = 0; i < 8; ++i) marks.push_back(100.0 * i + 3.0 * i * i);
  for (int i = 0; i < 8; ++i) EXPECT_NEAR(time_between_marks(marks.data(), 8, i), marks[i], 1e-9);
  for (const double u : {1.25, 3.5, 5.75}) {
    EXPECT_NEAR(time_between_marks(marks.data(), 8, u), 100.0 * u + 3.0 * u * u, 1e-9);
  }
}

TEST(Faded, SidesThatAreAlikeKeepTheirAmplitudeAndOthersTheirPower) {
  const Splice alike{100, 32, 0.0, 0.0, 1.0f}, other{100, 32, 0.0, 0.0, 0.0f};
  for (std::int64_t n = 68; n < 132; ++n) {
    EXPECT_NEAR(faded(alike, n, 0.5f, 0.5f), 0.5f, 1e-6f);
    const float before = faded(other, n, 1.0f, 0.0f), after = faded(other, n, 0.0f, 1.0f);
    EXPECT_NEAR(before * before + after * after, 1.0f, 1e-6f);
  }
  EXPECT_GT(faded(other, 68, 1.0f, 0.0f), 0.999f);
  EXPECT_LT(faded(other, 131, 1.0f, 0.0f), 1e-3f);
}

TEST(Scattered, FillsItsRangeEvenly) {
  int counts[10] = {};
  double sum = 0.0, neighbours = 0.0, last = 0.0;
  for (int i = 0; i < 10000; ++i) {
    const double x = scattered(i);
    ++counts[static_cast<int>((x + 1.0) * 5.0)];
    sum += x;
    neighbours += x * last;
    last = x;
  }
  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);  // 5 standard deviations
  EXPECT_NEAR(sum / 10000.0, 0.0, 0.03);
  EXPECT_NEAR(neighbours / 10000.0, 0.0, 0.017);
}

TEST(Rest, KeepsItsSplicesApart) {
  for (const double rate : {0.5, 0.8, 0.99, 1.01, 1.25, 2.0}) {
    for (const double sample_rate_hz : {8000.0, 44100.0}) {
      for (const std::int64_t samples : {1, 46, 512, 5000, 100001}) {
        const Rest rest = rest_between(nullptr, nullptr, nullptr, 256, samples, rate, sample_rate_hz, 0);
        ASSERT_GE(rest.splices, 1);
        ASSERT_LE(rest.splices, most_splices(samples, 0, sample_rate_hz));
        for (std::int64_t k = 0; k < rest.splices; ++k) {
          const Splice early = splice_at_step(rest, rate, sample_rate_hz, k, -kSpliceReach);
          const Splice late = splice_at_step(rest, rate, sample_rate_hz, k, kSpliceReach);
          EXPECT_GE(early.at - early.half, 0);
          EXPECT_EQ(splice_near(rest, rate, early.at - early.half), k) << rate << ", " << samples;
          if (late.half > 0) {
            EXPECT_EQ(splice_near(rest, rate, late.at + late.half - 1), k) << rate << ", " << samples;
          }
        }
      }
    }
  }
}

TEST(TimeStretcher, AClipAtRateOneIsItself) {
  const std::vector<float> waveform = steady_tone(150.0, kRate, 12345);
  EXPECT_EQ(Stretcher()(waveform, 1.0), waveform);
  std::vector<float> longer = Stretcher()(waveform, 1.0, 13000);
  EXPECT_EQ(longer[12345], 0.0f);
  longer.resize(12345);
  EXPECT_EQ(longer, waveform);
}

TEST(TimeStretcher, SilenceStaysSilence) {
  for (const double rate : {0.5, 0.9, 2.0}) {
    EXPECT_EQ(Stretcher()(std::vector<float>(20000, 0.0f), rate, 30000), std::vector<float>(30000, 0.0f));
  }
}

TEST(TimeStretcher, AShorterResultIsTheBeginningOfALongerOne) {
  const std::vector<float> waveform = steady_tone(220.0, kRate, 30000);
  for (const double rate : {0.5, 1.7}) {
    std::vector<float> whole = Stretcher()(waveform, rate, 70000);
    whole.resize(9000);
    EXPECT_EQ(Stretcher()(waveform, rate, 9000), whole);
  }
}

TEST(TimeStretcher, ThePitchStaysAndTheLevelToo) {
  for (const double hz : {70.0, 120.0, 233.0, 600.0, 1400.0}) {
    const std::vector<float> waveform = steady_tone(hz, kRate, 60000);
    for (const double rate : {0.5, 0.8, 1.25, 2.0}) {
      const std::vector<float> result = Stretcher()(waveform, rate);
      const PitchTables tables = time_stretch_tables(kRate);
      std::vector<float> found(result.size() / 512 + 1);
      PitchTracker track(tables);
      track(result.data(), static_cast<std::int64_t>(result.size()), found.data());
      for (std::size_t frame = 5; frame + 5 < found.size(); ++frame) {
        // Two cents are the tracker's own, as it is with the tone itself.
        EXPECT_NEAR(1200.0 * std::log2(found[frame] / hz), 0.0, 2.0) << hz << " at rate " << rate;
      }
      const double level = energy(result) * rate / energy(waveform);
      EXPECT_NEAR(10.0 * std::log10(level), 0.0, 0.1) << hz << " at rate " << rate;
    }
  }
}

TEST(TimeStretcher, AClickBetweenSilencesIsHeardOnceAndWhole) {
  for (const double rate : {0.5, 0.8, 0.95, 1.25, 1.8, 2.0}) {
    int kept = 0, clicks = 0;
    for (std::size_t at = 5000; at < 15000; at += 613, ++clicks) {
      std::vector<float> waveform(20000, 0.0f);
      waveform[at] = 1.0f;
      const std::vector<float> result = Stretcher()(waveform, rate);
      std::size_t loud = 0, place = 0;
      for (std::size_t n = 0; n < result.size(); ++n) {
        if (result[n] == 0.0f) continue;
        ++loud;
        place = n;
      }
      kept += loud == 1 && result[place] == 1.0f;
      if (loud == 1) {
        // 15/16 of a jump, and a quarter of one by which jumps are scattered.
        EXPECT_NEAR(static_cast<double>(place), static_cast<double>(at) / rate, 1.2 * kSpliceSeconds * kRate / rate);
      }
    }
    // At the fastest rates a splice can be moved by less than half of what it leaves out.
    EXPECT_GE(kept, rate > 1.7 ? clicks * 3 / 4 : clicks) << rate;
  }
}

TEST(TimeStretcher, TheClipsBeforeLeaveNoTrace) {
  Stretcher used;
  const std::vector<float> high = steady_tone(700.0, kRate, 30001), low = steady_tone(98.0, kRate, 20011);
  used(high, 1.5);
  used(low, 0.7);
  for (const double rate : {0.6, 1.3}) {
    EXPECT_EQ(used(low, rate), Stretcher()(low, rate));
    EXPECT_EQ(used(high, rate), Stretcher()(high, rate));
  }
}

TEST(TimeStretcher, FiniteClipsOfAnyKindStayFinite) {
  std::mt19937 generator(7);
  const double rates[] = {0.5, 0.77, 0.999, 1.001, 1.4, 2.0};
  for (const double sample_rate_hz : {8000.0, 16000.0, 44100.0, 48000.0, 192000.0}) {
    Stretcher stretch(sample_rate_hz);
    int number = 0;
    for (const std::vector<float>& clip : odd_clips(sample_rate_hz, generator)) {
      const double rate = rates[generator() % 6];
      EXPECT_TRUE(all_finite(stretch(clip, rate))) << "clip " << number << " at " << sample_rate_hz << ": " << rate;
      EXPECT_TRUE(all_finite(stretch(clip, rate, clip.size() + 1000)));
      ++number;
    }
  }
}

TEST(TimeStretcher, NoSampleThatIsNotFiniteSpreadsBeyondItsPeriods) {
  for (const double hz : {110.0, 440.0}) {
    for (const double rate : {0.5, 1.5}) {
      std::vector<float> waveform = steady_tone(hz, kRate, 44100);
      waveform[20000] = std::numeric_limits<float>::quiet_NaN();
      waveform[20100] = std::numeric_limits<float>::infinity();
      const std::vector<float> result = Stretcher()(waveform, rate);
      for (std::size_t n = 0; n < result.size(); ++n) {
        // Three periods of 110 Hz, and half of what a splice may be away: the pitch is lost around the spot.
        const double at = static_cast<double>(n) * rate;
        const bool near = at >= 20000.0 - 2000.0 * std::max(1.0, rate) && at <= 20100.0 + 2000.0 * std::max(1.0, rate);
        ASSERT_TRUE(near || std::isfinite(result[n])) << n << " at rate " << rate;
      }
    }
  }
}

}  // namespace
}  // namespace singerprint
