#include "augment/time_stretch.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "../dsp/voice_walk.h"
#include "dsp/time_stretch_block.h"
#include "sung_phrase.h"

namespace singerprint {
namespace {

at::Tensor time_stretch(const at::Tensor& waveforms, double sample_rate_hz, const at::Tensor& rate,
                        std::int64_t samples) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::time_stretch", "")
                             .typed<at::Tensor(const at::Tensor&, double, const at::Tensor&, c10::SymInt)>();
  return op.call(waveforms, sample_rate_hz, rate, samples);
}

TEST(TimeStretch, EveryClipHasItsOwnRate) {
  const at::Tensor waveforms =
      at::stack({phrase(110.0, 44100.0, 22050, 0), phrase(110.0, 44100.0, 22050, 0), phrase(440.0, 44100.0, 22050, 1)});
  const at::Tensor rates = at::tensor({1.0, 1.25, 0.8}, at::kFloat);
  const at::Tensor stretched = time_stretch(waveforms, 44100.0, rates, 22050);
  EXPECT_TRUE(stretched[0].equal(waveforms[0]));
  EXPECT_TRUE(stretched[1].slice(0, 17640).eq(0.0).all().item<bool>());
  for (const std::int64_t clip : {1, 2}) {
    EXPECT_TRUE(
        stretched[clip].equal(time_stretch(waveforms.narrow(0, clip, 1), 44100.0, rates.narrow(0, clip, 1), 22050)[0]));
  }
}

TEST(TimeStretch, AnEmptyBatchAndAnEmptyWaveformGiveSilence) {
  EXPECT_EQ(time_stretch(at::ones({0, 100}), 44100.0, at::ones({0}), 50).sizes(), (at::IntArrayRef{0, 50}));
  EXPECT_TRUE(time_stretch(at::ones({2, 0}), 44100.0, at::full({2}, 1.5), 7).equal(at::zeros({2, 7})));
  EXPECT_EQ(time_stretch(at::ones({2, 9}), 44100.0, at::full({2}, 1.5), 0).sizes(), (at::IntArrayRef{2, 0}));
}

// What time_stretch.cu runs, walked through by one host thread: every kernel block by block, in the order of the
// launches.
class Kernels {
 public:
  Kernels(double sample_rate_hz, std::int64_t batch, std::int64_t samples, std::int64_t result_samples)
      : walk_(time_stretch_tables(sample_rate_hz)), sinc_(sinc_table(1.0)), batch_(batch) {
    const StretchSizes sizes = stretch_sizes(walk_.plan(), samples, result_samples);
    buffers_ = cut_buffers(
        memory_, [&](void* memory, std::size_t* bytes) { return stretch_buffers(sizes, batch, memory, bytes); });
  }

  at::Tensor operator()(const at::Tensor& waveforms, const at::Tensor& rates) {
    const std::int64_t samples = buffers_.sizes.voice.samples, result_samples = buffers_.sizes.result_samples;
    at::Tensor result = at::empty({batch_, result_samples});
    for (std::int64_t b = 0; b < batch_; ++b) {
      const StretchBuffers clip = of_clip(buffers_, b);
      const float* const from = waveforms.const_data_ptr<float>() + b * samples;
      float* const to = result.mutable_data_ptr<float>() + b * result_samples;
      walk_.track(from, buffers_.voice, clip.voice, b);
      *clip.states = stretch_state(rates.const_data_ptr<float>()[b], clip.sizes);
      walk_.place_voice_marks(clip.voice, clip.states->rate != 1.0);
      plan(clip, from);
      for (std::int64_t n = 0; n < result_samples; ++n) {
        to[n] = stretched_sample(walk_.plan(), clip, from, sinc_.weights.data(), n / kRenderTile * kRenderTile, n);
      }
    }
    return result;
  }

 private:
  void plan(const StretchBuffers& clip, const float* waveform) const {
    const StretchSizes& sizes = clip.sizes;
    double part = 0.0;
    for (std::int64_t s = 0; s < clip.voice.states->segments; ++s) place_stretched_grains(kAlone, clip, s, &part);
    plan_stretch(walk_.plan(), clip);
    for (std::int64_t block = 0; block < sizes.energies; ++block) {
      clip.energies[block] = energy_of_block(waveform, sizes.voice.samples, sizes.energy_length, block);
    }
    ASSERT_LE(clip.states->splices, sizes.splices);
    SpliceMemory memory;
    for (std::int64_t s = 0; s < clip.states->splices; ++s) {
      place_splice(kAlone, walk_.plan(), clip, waveform, sinc_.weights.data(), s, memory);
    }
  }

  VoiceWalk walk_;
  SincTable sinc_;
  std::int64_t batch_;
  std::vector<char> memory_;
  StretchBuffers buffers_{};
};

struct Case {
  double hz, sample_rate_hz;
  float rate;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.hz << " Hz at " << c.sample_rate_hz << " Hz, rate " << c.rate;
}
class TimeStretchKernels : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Voices, TimeStretchKernels,
                         testing::Values(Case{110.0, 44100.0, 0.5f}, Case{110.0, 44100.0, 0.8f},
                                         Case{150.0, 22050.0, 1.25f}, Case{150.0, 16000.0, 2.0f},
                                         Case{300.0, 44100.0, 1.01f}, Case{440.0, 48000.0, 0.99f},
                                         Case{700.0, 44100.0, 2.0f}, Case{250.0, 8000.0, 0.5f},
                                         Case{1200.0, 44100.0, 0.7f}, Case{80.0, 44100.0, 1.5f}));

TEST_P(TimeStretchKernels, RenderWhatTheCpuRenders) {
  const Case& c = GetParam();
  const std::int64_t samples = static_cast<std::int64_t>(0.9 * c.sample_rate_hz) + 1;
  const at::Tensor waveforms = at::stack({phrase(c.hz, c.sample_rate_hz, samples, 1), at::zeros({samples}),
                                          phrase(1.1 * c.hz, c.sample_rate_hz, samples, 2)});
  const auto result_samples = static_cast<std::int64_t>(std::round(static_cast<double>(samples) / c.rate));
  for (const std::int64_t length : {result_samples, samples}) {
    const at::Tensor rates = at::full({3}, c.rate);
    const at::Tensor expected = time_stretch(waveforms, c.sample_rate_hz, rates, length);
    const at::Tensor stretched = Kernels(c.sample_rate_hz, 3, samples, length)(waveforms, rates);
    EXPECT_TRUE(stretched[1].eq(0.0).all().item<bool>());
    for (const std::int64_t clip : {0, 2}) {
      const double difference = decibels(expected[clip], stretched[clip]);
      RecordProperty("decibels_of_clip_" + std::to_string(clip), std::to_string(difference));
      EXPECT_GT(expected[clip].abs().max().item<double>(), 0.02);  // there is something to compare
      // Sums in another order move a mark by some 1e-4 samples: 70 dB below a harmonic of 5 kHz.
      EXPECT_GT(difference, 60.0) << clip;
    }
  }
}

TEST(TimeStretchKernelsOfAClip, KeepItAtRateOne) {
  const at::Tensor waveforms = phrase(200.0, 44100.0, 30001, 3).unsqueeze(0);
  EXPECT_TRUE(Kernels(44100.0, 1, 30001, 30001)(waveforms, at::ones({1})).equal(waveforms));
}

TEST(TimeStretchKernelsOfAClip, TakeRatesBeyondTheirRangeAsItsEnds) {
  const StretchSizes sizes = stretch_sizes(time_stretch_tables(44100.0).plan, 1000, 5000);
  EXPECT_EQ(stretch_state(5.0f, sizes).rate, 2.0);
  EXPECT_EQ(stretch_state(-1.0f, sizes).rate, 0.5);
  EXPECT_EQ(stretch_state(NAN, sizes).rate, 0.5);
}

TEST(TimeStretchKernelsOfAClip, EndAtOneSampleToo) {
  for (const std::int64_t samples : {1, 2, 255, 256, 1000}) {
    for (const float rate : {0.5f, 2.0f}) {
      const at::Tensor waveforms = at::ones({1, samples}), rates = at::full({1}, rate);
      const at::Tensor stretched = Kernels(44100.0, 1, samples, 2 * samples)(waveforms, rates);
      // Both fades of a constant add up to it, but for the rounding of their weights.
      EXPECT_TRUE(stretched.allclose(time_stretch(waveforms, 44100.0, rates, 2 * samples), 1e-6, 1e-6)) << samples;
    }
  }
}

}  // namespace
}  // namespace singerprint
