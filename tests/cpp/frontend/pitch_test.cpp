#include "frontend/pitch.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <tuple>
#include <vector>

namespace singerprint {
namespace {

at::Tensor pitch_of(const at::Tensor& waveforms, double sample_rate_hz, std::int64_t hop_length, double min_hz,
                    double max_hz) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::pitch", "")
                             .typed<at::Tensor(const at::Tensor&, double, std::int64_t, double, double)>();
  return op.call(waveforms, sample_rate_hz, hop_length, min_hz, max_hz);
}

at::Tensor pitch(const at::Tensor& waveforms, std::int64_t hop_length) {
  return pitch_of(waveforms, 44100.0, hop_length, 60.0, 1500.0);
}

at::Tensor tone(double hz, std::int64_t samples) {
  return at::sin(at::arange(samples, at::kDouble) * (2.0 * std::numbers::pi * hz / 44100.0)).to(at::kFloat);
}

TEST(Pitch, HasAFrameAtEveryHopAndOneMore) {
  for (const std::int64_t samples : {0, 1, 511, 512, 44100}) {
    EXPECT_EQ(pitch(at::zeros({2, samples}), 512).sizes(), (at::IntArrayRef{2, samples / 512 + 1}));
  }
}

TEST(Pitch, EveryClipHasItsOwn) {
  const at::Tensor hz = pitch(at::stack({tone(110.0, 22050), at::zeros({22050}), tone(880.0, 22050)}), 256);
  const at::Tensor inside = hz.narrow(1, 10, hz.size(1) - 20);
  // Two and a half cents and one and a half: the tracker's own error on steady tones without a harmonic.
  EXPECT_TRUE(inside[0].sub(110.0).abs().max().item<float>() < 0.16f);
  EXPECT_TRUE(hz[1].eq(0.0).all().item<bool>());
  EXPECT_TRUE(inside[2].sub(880.0).abs().max().item<float>() < 0.8f);
}

// What pitch.cu runs, walked through by one host thread.
at::Tensor pitch_of_kernels(const at::Tensor& waveform, double sample_rate_hz, std::int64_t hop_length, double min_hz,
                            double max_hz) {
  const PitchTables tables = pitch_tables(sample_rate_hz, hop_length, min_hz, max_hz);
  const std::vector<float> flat = flattened(tables);
  const PitchTableView view = pitch_table_view(tables.plan, flat.data());
  const std::int64_t samples = waveform.numel(), count = decimated_samples(tables.plan, samples);
  const std::int64_t frames = pitch_frames(tables.plan, samples);
  std::vector<float> decimated(count), peaks(frames), stretch(decimate_memory_floats(tables.plan.decimation));
  for (std::int64_t first = 0; first < count; first += kDecimateTile) {
    decimate_tile({0, 1}, waveform.const_data_ptr<float>(), samples, view, first, count, stretch.data(),
                  decimated.data());
  }
  std::vector<PitchCandidate> candidates(frames * kPitchCandidates);
  std::vector<std::int8_t> predecessors(candidates.size());
  std::vector<FourFloats> memory(FrameLayout(tables.plan).floats() / 4);
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    find_frame_candidates({0, 1}, decimated.data(), count, frame, view, memory[0].v, true,
                          candidates.data() + frame * kPitchCandidates, &peaks[frame]);
  }
  at::Tensor hz = at::empty({frames});
  PathMemory path;
  find_best_path({0, 1}, tables.plan, frames, peaks.data(), candidates.data(), predecessors.data(), path,
                 hz.mutable_data_ptr<float>());
  return hz;
}

// Tones that slide and fade in and out, between stretches of silence and over a floor of noise.
at::Tensor melody(double hz, double sample_rate_hz, std::int64_t samples) {
  const at::Tensor seconds = at::arange(samples, at::kDouble) / sample_rate_hz;
  const at::Tensor phase = 2.0 * std::numbers::pi * hz * (seconds + 0.02 * at::sin(5.0 * seconds));
  at::Tensor voice = at::zeros({samples}, at::kDouble);
  for (int k = 1; k <= 12; ++k) voice += at::sin(phase * k) / k;
  at::manual_seed(1);
  return (voice * at::sin(6.0 * seconds).clamp(0.0, 0.5) + 1e-3 * at::randn({samples}, at::kDouble)).to(at::kFloat);
}

class PitchKernels : public testing::TestWithParam<std::tuple<double, double, std::int64_t>> {};
INSTANTIATE_TEST_SUITE_P(Voices, PitchKernels,
                         testing::Combine(testing::Values(90.0, 230.0, 800.0), testing::Values(8000.0, 44100.0),
                                          testing::Values<std::int64_t>(1, 700, 20011)));

TEST_P(PitchKernels, FindThePitchOfTheCpu) {
  const auto [hz, sample_rate_hz, samples] = GetParam();
  const at::Tensor waveform = melody(hz, sample_rate_hz, samples);
  const at::Tensor expected = pitch_of(waveform.unsqueeze(0), sample_rate_hz, 512, 60.0, 1500.0)[0];
  const at::Tensor found = pitch_of_kernels(waveform, sample_rate_hz, 512, 60.0, 1500.0);
  EXPECT_TRUE(found.gt(0.0).equal(expected.gt(0.0)));
  // The CPU transforms where the kernels sum products: between two lags the roundings of r differ by 2e-7, at times by
  // 1e-6. The flattest peak that counts, 0.3 cos(2 pi l / P), makes 1e-6 / (0.3 (2 pi)^2) P of that: 1.6e-5 for the
  // P = 184 of 60 Hz, and these voices' harmonics make it steeper.
  EXPECT_TRUE(at::allclose(found, expected, 1e-5, 0.0));
  if (samples > 20000) {
    EXPECT_GT(expected.gt(0.0).sum().item<std::int64_t>(), 5);
  }
}

TEST(PitchKernelBlock, FitsWhateverTheOptions) {
  for (const double sample_rate_hz : {8000.0, 16537.0, 44100.0, 192000.0}) {
    for (const double min_hz : {30.0, 60.0, 2900.0}) {
      const PitchPlan plan = pitch_tables(sample_rate_hz, 512, min_hz, 3000.0).plan;
      const PitchFrameBlock block = pitch_frame_block(plan);
      EXPECT_GE(block.frames, 1);
      EXPECT_LE(block.shared_bytes, kUsualSharedBytes);
      EXPECT_LE(block.frames * block.threads, 512);
      EXPECT_LE(decimate_memory_floats(plan.decimation) * sizeof(float), static_cast<std::size_t>(kUsualSharedBytes));
    }
  }
}

}  // namespace
}  // namespace singerprint
