#include "augment/pitch_shift.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "dsp/harmonic_block.h"
#include "dsp/psola_block.h"
#include "dsp/voice_block.h"
#include "dsp/voice_lock_block.h"

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
      : style_(style),
        tables_(pitch_shift_tables(sample_rate_hz, style)),
        flat_(flattened(tables_)),
        view_(pitch_table_view(tables_.plan, flat_.data())),
        batch_(batch) {
    std::size_t bytes = 0;
    const ShiftSizes sizes = shift_sizes(tables_.plan, samples);
    shift_buffers(sizes, batch, 1, nullptr, &bytes);
    memory_.resize(bytes + 256);
    const std::size_t past = reinterpret_cast<std::uintptr_t>(memory_.data()) % 256;
    buffers_ = shift_buffers(sizes, batch, 1, memory_.data() + 256 - past, &bytes);
  }

  at::Tensor operator()(const at::Tensor& waveforms, const at::Tensor& ratios) {
    at::Tensor result = at::empty_like(waveforms);
    const std::int64_t samples = buffers_.sizes.samples;
    for (std::int64_t b = 0; b < batch_; ++b) {
      const ShiftBuffers clip = of_clip(buffers_, b);
      const float* const from = waveforms.const_data_ptr<float>() + b * samples;
      float* const to = result.mutable_data_ptr<float>() + b * samples;
      const float* const ratio = ratios.const_data_ptr<float>() + 3 * b;
      track(from, clip, b);
      find_voice(clip, change_within_range(ratio[0], ratio[1], ratio[2]));
      remap(from, clip, to);
      for (std::int64_t n = 0; n < samples; ++n) {
        to[n] = shifted_sample(tables_.plan, style_, clip, from, n / kRenderTile * kRenderTile, n, to + n);
      }
    }
    return result;
  }

  const ShiftBuffers& buffers() const { return buffers_; }

 private:
  static constexpr BlockThread kAlone{0, 1};

  void track(const float* waveform, const ShiftBuffers& clip, std::int64_t b) {
    const ShiftSizes& sizes = clip.sizes;
    std::vector<float> stretch(decimate_memory_floats(tables_.plan.decimation));
    for (std::int64_t first = 0; first < sizes.decimated; first += kDecimateTile) {
      decimate_tile(kAlone, waveform, sizes.samples, view_, first, sizes.decimated, stretch.data(),
                    clip.pitch.decimated);
    }
    std::vector<FourFloats> memory(FrameLayout(tables_.plan).floats() / 4);
    PitchCandidate* const candidates = buffers_.pitch.candidates + b * sizes.frames * kPitchCandidates;
    float* const peaks = buffers_.pitch.peaks + b * sizes.frames;
    for (std::int64_t frame = 0; frame < sizes.frames; ++frame) {
      find_frame_candidates(kAlone, clip.pitch.decimated, sizes.decimated, frame, view_, memory[0].v, true,
                            candidates + frame * kPitchCandidates, peaks + frame);
    }
    PathMemory path;
    find_best_path(kAlone, tables_.plan, sizes.frames, peaks, candidates,
                   buffers_.pitch.predecessors + b * sizes.frames * kPitchCandidates, path, clip.hz);
  }

  void find_voice(const ShiftBuffers& clip, const PitchChange& change) {
    std::int64_t part = 0;
    double tile[kWalkTile];
    float sums[kKnotSums];
    LockMemory lock;
    SegmentReach reach;
    find_segments(kAlone, change, clip, &part);
    write_sinc_table(kAlone, clip);
    const std::int64_t segments = clip.states->segments;
    for (std::int64_t s = 0; s < segments; ++s) integrate_segment(kAlone, tables_.plan, clip, s, tile, &part);
    for (std::int64_t m = 0; m < clip.sizes.knots; ++m) {
      if (clip.segment_of[m] >= 0) measure_knot(kAlone, tables_.plan, clip, m, sums);
    }
    for (std::int64_t s = 0; s < segments; ++s) {
      lock_segment(kAlone, tables_.plan, clip, s, lock);
      place_grains(kAlone, clip, s, &part);
      find_reach(kAlone, tables_.plan, style_, clip, s, &reach);
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
  PitchTables tables_;
  std::vector<float> flat_;
  PitchTableView view_;
  std::int64_t batch_;
  std::vector<char> memory_;
  ShiftBuffers buffers_{};
};

// A sung phrase: vibrato, two formants, fading in and out between stretches of breath.
at::Tensor phrase(double hz, double sample_rate_hz, std::int64_t samples, std::uint64_t seed) {
  const at::Tensor seconds = at::arange(samples, at::kDouble) / sample_rate_hz;
  const at::Tensor turns = hz * (seconds + 0.0015 * at::sin(2.0 * std::numbers::pi * 5.3 * seconds));
  at::Tensor voice = at::zeros({samples}, at::kDouble);
  for (int k = 1; k * hz < 0.4 * sample_rate_hz; ++k) {
    const double first = (k * hz - 700.0) / 150.0, second = (k * hz - 1700.0) / 250.0;
    const double level = 1.0 / (1.0 + first * first) + 0.5 / (1.0 + second * second) + 0.02;
    voice += level * at::sin(2.0 * std::numbers::pi * k * turns + 0.3 * k * k);
  }
  const at::Tensor swell = at::sin(2.0 * std::numbers::pi * 1.3 * seconds + 0.4).clamp(0.0, 0.6);
  at::manual_seed(seed);
  return (0.2 * voice * swell + 2e-3 * at::randn({samples}, at::kDouble)).to(at::kFloat);
}

double decibels(const at::Tensor& signal, const at::Tensor& other) {
  const double noise = (signal.to(at::kDouble) - other).square().sum().item<double>();
  return 10.0 * std::log10(signal.to(at::kDouble).square().sum().item<double>() / (noise + 1e-30));
}

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

TEST(PitchShiftKernelsOfAClip, EndAtOneSampleToo) {
  for (const std::int64_t samples : {1, 2, 255, 256, 1000}) {
    const at::Tensor waveforms = at::ones({1, samples});
    Kernels kernels(44100.0, kOwnStyle, 1, samples);
    EXPECT_TRUE(kernels(waveforms, at::full({1, 3}, 1.5f)).equal(waveforms));
  }
}

}  // namespace
}  // namespace singerprint
