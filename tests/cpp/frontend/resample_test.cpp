#include "frontend/resample.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "dsp/resample_filter.h"

namespace singerprint {
namespace {

at::Tensor resample(const at::Tensor& waveforms, std::int64_t from_hz, std::int64_t to_hz) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::resample", "")
                             .typed<at::Tensor(const at::Tensor&, std::int64_t, std::int64_t)>();
  return op.call(waveforms, from_hz, to_hz);
}

at::Tensor resample_backward(const at::Tensor& grad, std::int64_t from_hz, std::int64_t to_hz, std::int64_t samples) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::resample_backward", "")
                             .typed<at::Tensor(const at::Tensor&, std::int64_t, std::int64_t, c10::SymInt)>();
  return op.call(grad, from_hz, to_hz, samples);
}

TEST(Resample, EqualRatesChangeNothing) {
  const at::Tensor waveforms = at::randn({2, 77});
  EXPECT_TRUE(resample(waveforms, 44100, 44100).equal(waveforms));
}

TEST(Resample, AToneKeepsItsLevelPhaseAndFrequency) {
  const at::Tensor times = at::arange(44100, at::kDouble) / 44100.0;
  const at::Tensor result = resample(at::cos(6.283185307179586 * 440.0 * times).unsqueeze(0), 44100, 16000);
  const at::Tensor expected = at::cos(6.283185307179586 * 440.0 * at::arange(16000, at::kDouble) / 16000.0);
  // The filter's 140 dB.
  EXPECT_LT((result[0] - expected).slice(0, 500, 15500).abs().max().item<double>(), 1e-7);
}

TEST(Resample, TheBackwardIsTheTranspose) {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    const at::Tensor x = at::randn({1, 6000}, dtype), y = resample(x, 44100, 16000), g = at::randn_like(y);
    const double there = (y * g).sum().item<double>();
    const double back = (x * resample_backward(g, 44100, 16000, 6000)).sum().item<double>();
    // Products of 2,177 outputs of level 1, each wrong by 1.5e-7 in float32: their sum by 7e-6.
    EXPECT_NEAR(there, back, dtype == at::kFloat ? 1e-4 : 1e-9);
  }
}

// What a thread of the CUDA kernel computes, from the transposed rows that it reads.
TEST(Resample, TheKernelsSumIsTheOpsResult) {
  for (const auto& [from_hz, to_hz] : {std::pair{44100, 16000}, {16000, 44100}, {44100, 44056}}) {
    const ResampleRatio ratio = resample_ratio(from_hz, to_hz);
    const ResampleTaps taps = resample_taps(ratio, 1.0);
    const std::int64_t rows = static_cast<std::int64_t>(taps.rows.size()) / taps.taps;
    const at::Tensor table = at::from_blob(const_cast<double*>(taps.rows.data()), {rows, taps.taps}, at::kDouble)
                                 .t()
                                 .contiguous()
                                 .to(at::kFloat);
    const ResampleRows<float> view{
        ratio.step_in, ratio.step_out, taps.exact, taps.taps, taps.phases, table.const_data_ptr<float>(), 1, rows};
    const at::Tensor x = at::randn({1, 5000}), y = resample(x.to(at::kDouble), from_hz, to_hz);
    double power = 0.0;
    for (std::int64_t m = 0; m < y.size(1); ++m) {
      const float sum = resample_sample(view, x.const_data_ptr<float>(), 5000, m);
      power += std::pow(sum - y[0][m].item<double>(), 2);
    }
    // 2^-24 of sums that stay near 1, over chains whose last dozen terms matter.
    EXPECT_LT(std::sqrt(power / y.size(1)), 2.5e-7) << from_hz;
  }
}

TEST(Resample, ANotANumberSpoilsWhatTheFilterReachesAndNoMore) {
  at::Tensor waveforms = at::randn({1, 40000});
  const at::Tensor clean = resample(waveforms, 44100, 16000);
  waveforms[0][20000] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor spoilt = resample(waveforms, 44100, 16000).isnan()[0];
  const std::int64_t middle = 20000 * 160 / 441;
  EXPECT_TRUE(spoilt.slice(0, middle - 184, middle + 184).all().item<bool>());
  EXPECT_FALSE(spoilt.slice(0, 0, middle - 187).any().item<bool>());
  EXPECT_FALSE(spoilt.slice(0, middle + 188).any().item<bool>());
}

TEST(Resample, AnEmptyBatchGivesAnEmptyBatch) {
  EXPECT_EQ(resample(at::ones({0, 441}), 44100, 16000).sizes(), (at::IntArrayRef{0, 160}));
  EXPECT_EQ(resample(at::ones({2, 0}), 44100, 16000).sizes(), (at::IntArrayRef{2, 0}));
}

}  // namespace
}  // namespace singerprint
