#include "augment/biquad_cascade.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace singerprint {
namespace {

using Coefficients = std::array<double, kBiquadCoefficients>;

at::Tensor biquad_cascade(const at::Tensor& waveforms, const at::Tensor& coefficients) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::biquad_cascade", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&)>();
  return op.call(waveforms, coefficients);
}

// A resonance at `turns` of the sample rate, its poles at `radius`.
Coefficients resonance(double turns, double radius) {
  const double cosine = std::cos(2 * M_PI * turns);
  return {1.0 - radius, 0.3 * (1.0 - radius), -0.2 * (1.0 - radius), -2 * radius * cosine, radius * radius};
}

// The difference equation in double.
std::vector<double> by_definition(const std::vector<Coefficients>& sections, const at::Tensor& waveform) {
  std::vector<double> y(waveform.numel());
  for (std::size_t n = 0; n < y.size(); ++n) y[n] = waveform[n].item<float>();
  for (const auto& [b0, b1, b2, a1, a2] : sections) {
    double x1 = 0, x2 = 0, y1 = 0, y2 = 0;
    for (double& value : y) {
      const double x = value;
      value = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2;
      x2 = x1, x1 = x, y2 = y1, y1 = value;
    }
  }
  return y;
}

at::Tensor tensor_of(const std::vector<Coefficients>& sections, std::int64_t batch) {
  at::Tensor result = at::empty({static_cast<std::int64_t>(sections.size()), kBiquadCoefficients}, at::kDouble);
  for (std::size_t s = 0; s < sections.size(); ++s) {
    for (int i = 0; i < kBiquadCoefficients; ++i) result[s][i] = sections[s][i];
  }
  return result.expand({batch, -1, -1});
}

const std::vector<Coefficients> kSections = {
    resonance(0.001, 0.9995), resonance(0.02, 0.97), resonance(0.3, 0.5), {0.5, 0.2, 0.1, 0.0, 0.0}};

// sqrt(sum of squares of the difference / sum of squares).
double relative_error(const float* result, const std::vector<double>& expected) {
  double error = 0, power = 0;
  for (std::size_t n = 0; n < expected.size(); ++n) {
    error += (result[n] - expected[n]) * (result[n] - expected[n]);
    power += expected[n] * expected[n];
  }
  return std::sqrt(error / power);
}

// Four sections round about ten times a sample, 6e-8 each, and the sharpest hands its state's on 30 times: 1 / sqrt of
// what it loses a sample.
constexpr double kTolerance = 3e-6;

TEST(BiquadCascade, EqualsTheDifferenceEquation) {
  const at::Tensor waveforms = at::randn({19, 1003});
  const at::Tensor result = biquad_cascade(waveforms, tensor_of(kSections, 19));
  for (int b = 0; b < 19; ++b) {
    EXPECT_LT(relative_error(result[b].const_data_ptr<float>(), by_definition(kSections, waveforms[b])), kTolerance);
  }
}

TEST(BiquadCascade, AClipDoesNotKnowItsBatch) {
  const at::Tensor waveforms = at::randn({19, 203});
  const at::Tensor together = biquad_cascade(waveforms, tensor_of(kSections, 19));
  for (int b = 0; b < 19; ++b) {
    EXPECT_TRUE(biquad_cascade(waveforms.narrow(0, b, 1), tensor_of(kSections, 1))[0].equal(together[b])) << b;
  }
}

TEST(BiquadCascade, MoreSectionsThanLanesInOneClip) {
  const std::vector<Coefficients> sections(21, Coefficients{0.6, 0.2, 0.1, -0.5, 0.3});
  const at::Tensor waveforms = at::randn({1, 60});
  const at::Tensor result = biquad_cascade(waveforms, tensor_of(sections, 1));
  EXPECT_LT(relative_error(result.const_data_ptr<float>(), by_definition(sections, waveforms[0])), kTolerance);
}

TEST(BiquadCascade, AWaveformShorterThanTheCascade) {
  const at::Tensor waveforms = at::randn({1, 2});
  const at::Tensor result = biquad_cascade(waveforms, tensor_of(kSections, 1));
  EXPECT_LT(relative_error(result.const_data_ptr<float>(), by_definition(kSections, waveforms[0])), kTolerance);
}

TEST(BiquadCascade, EqualNumeratorsAndDenominatorsChangeNoBit) {
  const at::Tensor waveforms = at::randn({3, 1001});
  const std::vector<Coefficients> same = {{1.0, -1.9, 0.95, -1.9, 0.95}, {1.0, 0.3, -0.2, 0.3, -0.2}};
  EXPECT_TRUE(biquad_cascade(waveforms, tensor_of(same, 3)).equal(waveforms));
}

TEST(BiquadCascade, StabilityIsTheTriangle) {
  EXPECT_TRUE(biquad_is_stable(-1.9, 0.95));
  EXPECT_FALSE(biquad_is_stable(-1.95, 0.95));  // a pole at 1
  EXPECT_FALSE(biquad_is_stable(1.95, 0.95));   // a pole at -1
  EXPECT_FALSE(biquad_is_stable(0.0, 1.0));
  EXPECT_FALSE(biquad_is_stable(std::nan(""), 0.0));
}

// The CUDA kernel's way of one section, thread by thread: chunks from rest, scan, chunks again, tile after tile.
std::vector<float> by_chunks(const Coefficients& coefficients, const std::vector<float>& waveform) {
  const BiquadSection<double> exact = biquad_section(coefficients.data());
  const BiquadPair<float> section = biquad_pair(exact);
  BiquadTransition<float> powers[kBiquadScanRounds];
  biquad_chunk_powers(exact, powers);
  std::vector<float> result(waveform.size());
  BiquadState<float> carry = {0.0f, 0.0f};
  constexpr std::size_t kTile = std::size_t{kBiquadThreads} * kBiquadChunk;
  for (std::size_t start = 0; start < waveform.size(); start += kTile) {
    std::vector<float> tile(kTile, 0.0f);
    std::copy_n(waveform.begin() + start, std::min(kTile, waveform.size() - start), tile.begin());
    std::vector<BiquadState<float>> ends(kBiquadThreads, {0.0f, 0.0f});
    for (std::size_t n = 0; n < kTile; n += 2) {
      float x0 = tile[n], x1 = tile[n + 1];
      biquad_step(section, ends[n / kBiquadChunk], x0, x1);
    }
    ends[0] = continued(powers[0], carry, ends[0]);
    for (int j = 0; j < kBiquadScanRounds; ++j) {
      for (int thread = kBiquadThreads - 1; thread >= 1 << j; --thread) {
        ends[thread] = continued(powers[j], ends[thread - (1 << j)], ends[thread]);
      }
    }
    for (std::size_t thread = 0; thread < kBiquadThreads; ++thread) {
      BiquadState<float> state = thread == 0 ? carry : ends[thread - 1];
      for (std::size_t n = thread * kBiquadChunk; n < (thread + 1) * kBiquadChunk; n += 2) {
        biquad_step(section, state, tile[n], tile[n + 1]);
      }
    }
    std::copy_n(tile.begin(), std::min(kTile, waveform.size() - start), result.begin() + start);
    carry = ends.back();
  }
  return result;
}

TEST(BiquadCascade, ChunksAndTheirScanGiveTheWholeWaveform) {
  const at::Tensor waveform = at::randn({3 * kBiquadThreads * kBiquadChunk + 1234});
  const float* const first = waveform.const_data_ptr<float>();
  for (const Coefficients& section : {resonance(0.0005, 0.99995), resonance(0.02, 0.97), resonance(0.4, 0.5)}) {
    const std::vector<float> result = by_chunks(section, {first, first + waveform.numel()});
    // As above; the chunks' ends come through eight more products.
    EXPECT_LT(relative_error(result.data(), by_definition({section}, waveform)), 3 * kTolerance);
  }
}

}  // namespace
}  // namespace singerprint
