#include "augment/pitch_shift.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "../dsp/voice_walk.h"
#include "dsp/harmonic_block.h"
#include "dsp/psola_block.h"
#include "sung_phrase.h"

namespace singerprint {
namespace {

// ratios: (batch, 3), of pitch, range and formants.
at::Tensor pitch_shift_of(const at::Tensor& waveforms, double sample_rate_hz, const at::Tensor& ratios,
                          bool praat_compatible) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::pitch_shift", "")
                             .typed<at::Tensor(const at::Tensor&, double, const at::Tensor&, const at::Tensor&,
                                               const at::Tensor&, bool)>();
  const std::vector<at::Tensor> columns = ratios.unbind(1);
  return op.call(waveforms, sample_rate_hz, columns[0], columns[1], columns[2], praat_compatible);
}

at::Tensor pitch_shift(const at::Tensor& waveforms, const at::Tensor& pitch_ratio) {
  const at::Tensor one = at::ones_like(pitch_ratio);
  return pitch_shift_of(waveforms, 44100.0, at::stack({pitch_ratio, one, one}, 1), false);
}

at::Tensor tone(double hz, std::int64_t samples) {
  return at::sin(at::arange(samples, at::kDouble) * (2.0 * std::numbers::pi * hz / 44100.0)).to(at::kFloat);
}

TEST(PitchShift, EveryClipHasItsOwnRatio) {
  const at::Tensor waveforms = at::stack({tone(110.0, 22050), tone(110.0, 22050), tone(440.0, 22050)});
  const at::Tensor ratios = at::tensor({1.0, 1.2, 0.8}, at::kFloat);
  const at::Tensor shifted = pitch_shift(waveforms, ratios);
  EXPECT_TRUE(shifted[0].equal(waveforms[0]));
  for (const std::int64_t clip : {1, 2}) {
    EXPECT_FALSE(shifted[clip].equal(waveforms[clip]));
    EXPECT_TRUE(shifted[clip].equal(pitch_shift(waveforms.narrow(0, clip, 1), ratios.narrow(0, clip, 1))[0]));
  }
}

TEST(PitchShift, AnEmptyBatchAndAnEmptyWaveformStayEmpty) {
  EXPECT_EQ(pitch_shift(at::ones({0, 100}), at::ones({0})).sizes(), (at::IntArrayRef{0, 100}));
  EXPECT_EQ(pitch_shift(at::ones({2, 0}), at::full({2}, 1.5)).sizes(), (at::IntArrayRef{2, 0}));
}

// What pitch_shift.cu runs, walked through by one host thread: every kernel block by block, in the order of the
// launches.
class Kernels {
 public:
  Kernels(double sample_rate_hz, const PitchShiftStyle& style, std::int64_t batch, std::int64_t samples)
      : style_(style), walk_(pitch_shift_tables(sample_rate_hz, style)), batch_(batch) {
    buffers_ = cut_buffers(memory_, [&](void* memory, std::size_t* bytes) {
      return shift_buffers(shift_sizes(walk_.plan(), samples), batch, 1, memory, bytes);
    });
  }

  at::Tensor operator()(const at::Tensor& waveforms, const at::Tensor& ratios) {
    at::Tensor result = at::empty_like(waveforms);
    const std::int64_t samples = buffers_.sizes.samples;
    for (std::int64_t b = 0; b < batch_; ++b) {
      const ShiftBuffers clip = of_clip(buffers_, b);
      const float* const from = waveforms.const_data_ptr<float>() + b * samples;
      float* const to = result.mutable_data_ptr<float>() + b * samples;
      const float* const ratio = ratios.const_data_ptr<float>() + 3 * b;
      walk_.track(from, buffers_, clip, b);
      find_voice(clip, change_within_range(ratio[0], ratio[1], ratio[2]));
      remap(from, clip, to);
      for (std::int64_t n = 0; n < samples; ++n) {
        to[n] = shifted_sample(walk_.plan(), style_, clip, from, n / kRenderTile * kRenderTile, n, to + n);
      }
    }
    return result;
  }

  const ShiftBuffers& buffers() const { return buffers_; }

 private:
  void find_voice(const ShiftBuffers& clip, const PitchChange& change) {
    std::int64_t part = 0;
    LockMemory lock;
    SegmentReach reach;
    clip.states->change = change;
    walk_.place_voice_marks(clip, !is_identity(change));
    write_sinc_table(kAlone, clip);
    for (std::int64_t s = 0; s < clip.states->segments; ++s) {
      place_grains(kAlone, walk_.plan(), clip, s, lock, &part);
      find_reach(kAlone, walk_.plan(), style_, clip, s, &reach);
    }
  }

  void remap(const float* waveform, const ShiftBuffers& clip, float* result) {
    std::vector<LineSums> sums(analysis_memory_bytes(clip.sizes.spacing) / sizeof(LineSums) + 1);
    std::vector<FourFloats> lines(clip.sizes.lines_a_knot);
    const auto for_each_knot = [&](auto visit) {
      for (std::int64_t m = 0; m < clip.sizes.knots; ++m) {
        if (const VoicedSegment* const segment = remapped_segment(clip, style_, m)) visit(*segment, m);
      }
    };
    for_each_knot([&](const VoicedSegment& segment, std::int64_t m) {
      if (m < segment.last_knot) analyse_interval(kAlone, clip, segment, waveform, m, sums.data());
    });
    for_each_knot(
        [&](const VoicedSegment& segment, std::int64_t m) { remap_knot(kAlone, clip, segment, m, lines[0].v); });
    for_each_knot([&](const VoicedSegment& segment, std::int64_t m) {
      if (m < segment.last_knot) synthesise_interval(kAlone, clip, segment, m, lines.data(), result);
    });
  }

  PitchShiftStyle style_;
  VoiceWalk walk_;
  std::int64_t batch_;
  std::vector<char> memory_;
  ShiftBuffers buffers_{};
};

struct Case {
  double hz, sample_rate_hz;
  std::vector<float> ratios;  // of pitch, range and formants
  bool praat_compatible;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.hz << " Hz at " << c.sample_rate_hz << " Hz"; }
class PitchShiftKernels : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(
    Voices, PitchShiftKernels,
    testing::Values(Case{110.0, 44100.0, {1.3f, 1.0f, 1.0f}, false}, Case{110.0, 44100.0, {0.8f, 1.4f, 1.0f}, false},
                    Case{150.0, 22050.0, {1.1f, 0.5f, 1.2f}, false}, Case{150.0, 16000.0, {0.7f, 1.0f, 0.8f}, false},
                    Case{120.0, 44100.0, {2.0f, 1.0f, 1.0f}, false}, Case{140.0, 44100.0, {4.0f, 1.0f, 1.0f}, false},
                    Case{170.0, 44100.0, {0.5f, 1.0f, 1.0f}, false}, Case{110.0, 48000.0, {2.0f, 1.0f, 1.2f}, true},
                    Case{300.0, 44100.0, {1.25f, 1.0f, 1.0f}, false}, Case{440.0, 48000.0, {0.6f, 2.0f, 1.0f}, false},
                    Case{700.0, 44100.0, {1.2f, 0.0f, 0.85f}, false}, Case{250.0, 8000.0, {4.0f, 4.0f, 1.3f}, false},
                    Case{130.0, 44100.0, {1.2f, 1.3f, 1.0f}, true}, Case{400.0, 44100.0, {1.3f, 0.7f, 4.0f}, true}));

TEST_P(PitchShiftKernels, RenderWhatTheCpuRenders) {
  const Case& c = GetParam();
  const std::int64_t samples = static_cast<std::int64_t>(0.9 * c.sample_rate_hz) + 1;
  const at::Tensor waveforms = at::stack({phrase(c.hz, c.sample_rate_hz, samples, 1), at::zeros({samples}),
                                          phrase(1.1 * c.hz, c.sample_rate_hz, samples, 2)});
  const at::Tensor ratios = at::tensor(c.ratios).expand({3, 3}).contiguous();
  const at::Tensor expected = pitch_shift_of(waveforms, c.sample_rate_hz, ratios, c.praat_compatible);
  Kernels kernels(c.sample_rate_hz, c.praat_compatible ? kPraatStyle : kOwnStyle, 3, samples);
  const at::Tensor shifted = kernels(waveforms, ratios);
  const at::Tensor untouched = expected.eq(waveforms);
  EXPECT_TRUE(shifted.masked_select(untouched).equal(waveforms.masked_select(untouched)));
  EXPECT_TRUE(shifted[1].equal(waveforms[1]));
  for (const std::int64_t clip : {0, 2}) {
    const double difference = decibels(expected[clip], shifted[clip]);
    RecordProperty("decibels_of_clip_" + std::to_string(clip), std::to_string(difference));
    EXPECT_LT(decibels(expected[clip], waveforms[clip]), 20.0);  // there is something to compare
    // Sums in another order: a line 60 dB below the loudest has a phase within 1e-3 of a turn, and the wanted line that
    // takes it may be as loud as the loudest. Where no line is that weak, 100 dB.
    EXPECT_GT(difference, 60.0) << clip;
  }
}

TEST(PitchShiftKernelsOfAClip, KeepItWhereNothingIsAsked) {
  const at::Tensor waveforms = phrase(200.0, 44100.0, 30001, 3).unsqueeze(0);
  Kernels kernels(44100.0, kOwnStyle, 1, 30001);
  EXPECT_TRUE(kernels(waveforms, at::ones({1, 3})).equal(waveforms));
}

TEST(PitchShiftKernelsOfAClip, TakeRatiosBeyondTheirRangeAsItsEnds) {
  const PitchChange change = change_within_range(5.0f, -1.0f, NAN);
  EXPECT_EQ(change.pitch_ratio, 4.0);
  EXPECT_EQ(change.pitch_range_ratio, 0.0);
  EXPECT_EQ(change.formant_ratio, 0.25);
}

// A constant so large that sums of squares overflow, under a voice that is still tracked.
TEST(PitchShiftKernelsOfAClip, KeepItWhereThePhaseIsNoNumber) {
  const at::Tensor waveforms = phrase(150.0, 44100.0, 30001, 4).unsqueeze(0) * 1e18f + 2e19f;
  const at::Tensor ratios = at::tensor({1.3f, 1.0f, 1.0f}).unsqueeze(0);
  EXPECT_TRUE(pitch_shift_of(waveforms, 44100.0, ratios, false).equal(waveforms));
  Kernels kernels(44100.0, kOwnStyle, 1, 30001);
  EXPECT_TRUE(kernels(waveforms, ratios).equal(waveforms));
  EXPECT_GT(kernels.buffers().states->segments, 0);  // there is a voice
}

TEST(PitchShiftKernelsOfAClip, EndAtOneSampleToo) {
  for (const std::int64_t samples : {1, 2, 255, 256, 1000}) {
    const at::Tensor waveforms = at::ones({1, samples});
    Kernels kernels(44100.0, kOwnStyle, 1, samples);
    EXPECT_TRUE(kernels(waveforms, at::full({1, 3}, 1.5f)).equal(waveforms));
  }
}

}  // namespace
}  // namespace singerprint
