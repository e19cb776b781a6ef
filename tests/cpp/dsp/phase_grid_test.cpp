#include "dsp/phase_grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <random>
#include <tuple>
#include <vector>

namespace singerprint {
namespace {

using Lines = std::vector<std::complex<double>>;

std::complex<double> phasor(double turns) { return std::polar(1.0, 2.0 * std::numbers::pi * turns); }

double phase_at(const IntervalPhase& p, std::int64_t n) {
  const auto t = static_cast<double>(n);
  return p.phase + (p.slope + (p.curve + p.bend * t) * t) * t;
}

std::vector<float> rising_window(std::int64_t spacing) {
  std::vector<float> window(static_cast<std::size_t>(spacing + kGridLanes), 1.0f);
  for (std::int64_t n = 0; n < spacing; ++n) window[static_cast<std::size_t>(n)] = rising_weight(n, spacing);
  return window;
}

// a_k = sum_n weight[n] x[n] exp(-2 pi i k s[n]), through the grid: falling and rising.
std::pair<Lines, Lines> lines_of_samples(const std::vector<float>& waveform, std::int64_t spacing,
                                         const std::vector<float>& window, const IntervalPhase& phase,
                                         std::int32_t lines) {
  const auto grid = phase_grid(lines);
  std::vector<float> work(static_cast<std::size_t>(grid_work_floats(grid->points)));
  std::vector<float> folded(static_cast<std::size_t>(4 * grid->half)), sums(static_cast<std::size_t>(4 * grid->stride));
  SINGERPRINT_LANES(spread_to_grid_lanes)
  (waveform.data(), spacing, window.data(), phase, grid_kernel(), grid->points, work.data(), folded.data());
  SINGERPRINT_LANES(sum_rows_lanes)
  (folded.data(), grid->half, grid->cosine_of_point.data(), grid->sine_of_point.data(), grid->stride, sums.data());
  std::pair<Lines, Lines> result;
  for (std::int32_t k = 0; k < lines; ++k) {
    const auto line = [&](std::int32_t half) {
      const double re = sums[static_cast<std::size_t>(half * grid->stride + k)];
      const double im = sums[static_cast<std::size_t>((half + 2) * grid->stride + k)];
      return static_cast<double>(grid->correction[static_cast<std::size_t>(k)]) * std::complex<double>(re, -im);
    };
    result.first.push_back(line(0));
    result.second.push_back(line(1));
  }
  return result;
}

// y[n] = Re sum_k ((1 - w) first_k + w second_k) exp(2 pi i k s[n]), through the grid.
std::vector<float> samples_of_lines(const Lines& first, const Lines& second, std::int64_t spacing,
                                    const std::vector<float>& window, const IntervalPhase& phase) {
  const auto lines = static_cast<std::int32_t>(first.size());
  const auto grid = phase_grid(lines);
  std::vector<float> weights, sums(static_cast<std::size_t>(4 * grid->half));
  std::vector<float> table(static_cast<std::size_t>(2 * grid_table_length(grid->points)));
  std::vector<float> sum(static_cast<std::size_t>(spacing + kGridLanes));
  for (const bool is_imaginary : {false, true}) {
    for (const Lines& set : {first, second}) {
      for (std::size_t k = 0; k < set.size(); ++k) {
        const double part = is_imaginary ? set[k].imag() : set[k].real();
        weights.push_back(static_cast<float>(part) * grid->correction[k]);
      }
    }
  }
  SINGERPRINT_LANES(sum_rows_lanes)
  (weights.data(), lines, grid->cosine.data(), grid->sine.data(), grid->half, sums.data());
  SINGERPRINT_LANES(unfold_table_lanes)(sums.data(), grid->points, table.data());
  SINGERPRINT_LANES(read_table_lanes)
  (table.data(), grid->points, spacing, window.data(), phase, grid_kernel(), sum.data());
  return sum;
}

// Of the root of the sum of squares: the window's own error, and that of s, of whose cycles two roundings of 2^-24
// remain, k times as much in line k.
double tolerance(std::int32_t lines, double cycles) {
  return 2e-5 + 2.0 * std::numbers::pi * lines * cycles * std::exp2(-23.0);
}

// Spacings of every kind of sample rate, of which 256 alone is whole lanes; lines up to the ends of their grids.
class PhaseGridSums : public testing::TestWithParam<std::tuple<std::int64_t, std::int32_t>> {};
INSTANTIATE_TEST_SUITE_P(SpacingsAndLines, PhaseGridSums,
                         testing::Combine(testing::Values(46, 93, 256, 280, 1122),
                                          testing::Values(1, 2, 12, 13, 25, 40, 51, 76, 153, 409)));

TEST_P(PhaseGridSums, LinesOfSamplesEqualTheirFormula) {
  const auto [spacing, lines] = GetParam();
  const std::vector<float> window = rising_window(spacing);
  const IntervalPhase phase{-0.2f, 0.4f / static_cast<float>(lines), -1e-6f, 2e-9f};
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  std::vector<float> waveform(static_cast<std::size_t>(spacing + kGridLanes));
  double energy = 0.0;
  for (std::size_t n = 0; n < static_cast<std::size_t>(spacing); ++n) {
    waveform[n] = normal(generator);
    energy += static_cast<double>(waveform[n]) * static_cast<double>(waveform[n]);
  }
  const auto [falling, rising] = lines_of_samples(waveform, spacing, window, phase, lines);
  for (std::int32_t k = 0; k < lines; ++k) {
    std::complex<double> fall = 0.0, rise = 0.0;
    for (std::int64_t n = 0; n < spacing; ++n) {
      const auto i = static_cast<std::size_t>(n);
      const std::complex<double> line = static_cast<double>(waveform[i]) * phasor(-(k + 1) * phase_at(phase, n));
      fall += line * (1.0 - static_cast<double>(window[i]));
      rise += line * static_cast<double>(window[i]);
    }
    // Four deviations of what random errors of the samples sum to. Noise goes on beyond the highest line, where the
    // window tells it from the lines less well: to 1 / 3400 at the last one.
    const double cycles = 0.4 / lines * static_cast<double>(spacing);
    const double mistaken = k < 0.8 * lines ? 0.0 : 3e-4 / 4.0;
    const double most = 4.0 * (tolerance(lines, cycles) + mistaken) * std::sqrt(energy);
    EXPECT_LT(std::abs(falling[static_cast<std::size_t>(k)] - fall), most) << k;
    EXPECT_LT(std::abs(rising[static_cast<std::size_t>(k)] - rise), most) << k;
  }
}

// Random lines, read through the grid and summed by their formula.
void expect_samples_of_lines(std::int64_t spacing, std::int32_t lines, const IntervalPhase& phase) {
  const std::vector<float> window = rising_window(spacing);
  std::mt19937 generator(0);
  std::normal_distribution<double> normal;
  Lines first(static_cast<std::size_t>(lines)), second(first.size());
  double energy = 0.0;
  for (std::size_t k = 0; k < first.size(); ++k) {
    first[k] = {normal(generator), normal(generator)};
    second[k] = {normal(generator), normal(generator)};
    energy += std::max(std::norm(first[k]), std::norm(second[k]));
  }
  const std::vector<float> samples = samples_of_lines(first, second, spacing, window, phase);
  const double cycles = std::abs(static_cast<double>(phase.slope)) * static_cast<double>(spacing);
  const double most = 4.0 * tolerance(lines, cycles) * std::sqrt(energy);
  for (std::int64_t n = 0; n < spacing; ++n) {
    const double w = window[static_cast<std::size_t>(n)], s = phase_at(phase, n);
    double expected = 0.0;
    for (std::size_t k = 0; k < first.size(); ++k) {
      expected += (((1.0 - w) * first[k] + w * second[k]) * phasor(static_cast<double>(k + 1) * s)).real();
    }
    EXPECT_NEAR(samples[static_cast<std::size_t>(n)], expected, most) << n << " of slope " << phase.slope;
  }
}

TEST_P(PhaseGridSums, SamplesOfLinesEqualTheirFormula) {
  const auto [spacing, lines] = GetParam();
  expect_samples_of_lines(spacing, lines, {0.3f, 0.43f / static_cast<float>(lines), 2e-6f, -3e-9f});
}

// Where the pitch leaps within an interval, the grid is that of its lower end: neighbours lie far apart on it.
TEST_P(PhaseGridSums, SamplesMayLieAnywhereOnTheGrid) {
  const auto [spacing, lines] = GetParam();
  for (const float slope : {0.0f, -0.43f / static_cast<float>(lines), 1.2f / static_cast<float>(lines), 0.03f, 0.25f}) {
    expect_samples_of_lines(spacing, lines, {-0.4f, slope, 1e-7f, 0.0f});
  }
}

TEST(PhaseGrid, AGridHasTwoAndAHalfPointsALineAndFewMore) {
  std::int32_t before = 0;
  for (std::int32_t lines = 1; lines <= kMaximalHarmonics; ++lines) {
    const auto grid = phase_grid(lines);
    EXPECT_GE(grid->stride, lines);
    EXPECT_GE(static_cast<double>(grid->points), 2.5 * lines);
    EXPECT_EQ(grid->half % kGridLanes, 0);
    EXPECT_LT(grid->points, 2.5 * lines + std::max(32.0, 2.5 * lines / 4.0));
    EXPECT_GE(grid->points, before);
    before = grid->points;
  }
}

// A pitch track through NaN has phases that are none: what is read then may be anything, but from the table.
TEST(PhaseGrid, APhaseThatIsNoNumberReadsTheTable) {
  const float nan = std::nanf("");
  const Lines lines(12, {1.0, 0.0});
  const std::vector<float> samples = samples_of_lines(lines, lines, 64, rising_window(64), {nan, nan, nan, nan});
  for (std::size_t n = 0; n < 64; ++n) EXPECT_TRUE(std::isnan(samples[n])) << n;
}

}  // namespace
}  // namespace singerprint
