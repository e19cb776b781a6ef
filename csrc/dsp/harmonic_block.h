// The harmonic remap by the threads of CUDA blocks: a block for an interval's shares of the lines, one for the lines of
// a knot, one for the synthesis of an interval. The formulas are in dsp/harmonic_remap.h. Written for host and device
// (core/block_thread.h).
#pragma once
#include <cmath>
#include <cstdint>

#include "core/block_thread.h"
#include "dsp/harmonic_lines.h"
#include "dsp/psola_block.h"
#include "dsp/shift_buffers.h"

namespace singerprint {

inline constexpr int kLineThreads = 128;    // of every block here
inline constexpr int kLanesOfLines = 32;    // neighbouring lines, a warp
inline constexpr int kGroupsOfLines = 4;    // of kLanesOfLines, a thread: their sums stay in registers
inline constexpr int kPartsOfInterval = 4;  // whose sums are added in order
inline constexpr int kLinesAtOnce = kLanesOfLines * kGroupsOfLines;

// The segment that is remapped between knots m and m + 1; nullptr where there is none.
SINGERPRINT_HOST_DEVICE inline const VoicedSegment* remapped_segment(const ShiftBuffers& clip,
                                                                     const PitchShiftStyle& style, std::int64_t m) {
  const std::int32_t index = clip.segment_of[m];
  if (index < 0) return nullptr;
  const VoicedSegment& segment = clip.segments[index];
  return segment.marks >= 3 && is_remapped(segment, style) ? &segment : nullptr;
}

// Of the last knot only the phases hold: it has the frequencies of the interval before it.
SINGERPRINT_HOST_DEVICE inline const PhaseKnot& frequencies_of_knot(const ShiftBuffers& clip,
                                                                    const VoicedSegment& segment, std::int64_t m) {
  return clip.knots[m < segment.last_knot ? m : m - 1];
}
SINGERPRINT_HOST_DEVICE inline std::int32_t own_lines(const ShiftBuffers& clip, const VoicedSegment& segment,
                                                      std::int64_t m) {
  return count_of_harmonics(frequencies_of_knot(clip, segment, m).slope,
                            static_cast<std::int32_t>(clip.sizes.lines_a_knot));
}
SINGERPRINT_HOST_DEVICE inline std::int32_t wanted_lines(const ShiftBuffers& clip, const VoicedSegment& segment,
                                                         std::int64_t m) {
  const PhaseKnot& knot = frequencies_of_knot(clip, segment, m);
  return count_of_harmonics(knot.slope * ratio_at_knot(knot), static_cast<std::int32_t>(clip.sizes.lines_a_knot));
}

// A sample of an interval as the analysis reads it: s, the turn from one group of lines to the next, the sample under
// both halves of the window.
struct AnalysisSample {
  float cycles, step_re, step_im, falling, rising;
};
struct LineSums {
  float falling_re, falling_im, rising_re, rising_im;
};
SINGERPRINT_HOST_DEVICE inline int analysis_memory_bytes(std::int64_t spacing) {
  return kPartsOfInterval * kLinesAtOnce * static_cast<int>(sizeof(LineSums)) +
         static_cast<int>(spacing) * static_cast<int>(sizeof(AnalysisSample));
}

// Samples [begin, end) of an interval for the lines first + 1, first + 1 + kLanesOfLines ...: to sums, kLanesOfLines
// apart.
SINGERPRINT_HOST_DEVICE inline void analyse_part(const AnalysisSample* samples, int begin, int end, int first,
                                                 int groups, LineSums* sums) {
  LineSums own[kGroupsOfLines] = {};
  const auto number = static_cast<float>(first + 1);
  for (int n = begin; n < end; ++n) {
    const AnalysisSample sample = samples[n];
    Phasor<float> z = phasor_of_turns(-number * sample.cycles);
    for (int g = 0; g < kGroupsOfLines; ++g) {
      if (g >= groups) continue;
      own[g] = {
          multiply_add(sample.falling, z.re, own[g].falling_re), multiply_add(sample.falling, z.im, own[g].falling_im),
          multiply_add(sample.rising, z.re, own[g].rising_re), multiply_add(sample.rising, z.im, own[g].rising_im)};
      z = times(z, Phasor<float>{sample.step_re, sample.step_im});
    }
  }
  for (int g = 0; g < kGroupsOfLines; ++g) sums[g * kLanesOfLines] = own[g];
}

// A block for the interval after knot m: its share in the lines of the knot, to `own`, and of the next one, to
// `wanted`. memory: analysis_memory_bytes.
SINGERPRINT_HOST_DEVICE inline void analyse_interval(BlockThread thread, const ShiftBuffers& clip,
                                                     const VoicedSegment& segment, const float* waveform,
                                                     std::int64_t m, LineSums* memory) {
  auto* const samples = reinterpret_cast<AnalysisSample*>(memory + kPartsOfInterval * kLinesAtOnce);
  const auto spacing = static_cast<int>(clip.sizes.spacing);
  const IntervalPhase phase = interval_phase(clip.knots[m].source, clip.knots[m], 0.0, 1.0);
  for (int n = thread.index; n < spacing; n += thread.count) {
    const float cycles = within_half_a_turn(phase_at(phase, static_cast<float>(n)));
    const Phasor<float> step = phasor_of_turns(-static_cast<float>(kLanesOfLines) * cycles);
    const float x = waveform[m * spacing + n], rising = x * rising_weight(n, spacing);
    samples[n] = {cycles, step.re, step.im, x - rising, rising};
  }
  synchronise_block();
  const int here = own_lines(clip, segment, m), next = own_lines(clip, segment, m + 1);
  const int lines = here > next ? here : next;
  const float falling_share = share_of_interval(spacing, m == segment.first_knot);
  const float rising_share = share_of_interval(spacing, m + 1 == segment.last_knot);
  for (int first = 0; first < lines; first += kLinesAtOnce) {
    const int wanted = (lines - first + kLanesOfLines - 1) / kLanesOfLines;
    const int groups = wanted < kGroupsOfLines ? wanted : kGroupsOfLines;
    for (int item = thread.index; item < kPartsOfInterval * kLanesOfLines; item += thread.count) {
      const int part = item / kLanesOfLines, lane = item % kLanesOfLines;
      analyse_part(samples, part * spacing / kPartsOfInterval, (part + 1) * spacing / kPartsOfInterval, first + lane,
                   groups, memory + part * kLinesAtOnce + lane);
    }
    synchronise_block();
    for (int j = thread.index; j < kLinesAtOnce && first + j < lines; j += thread.count) {
      LineSums sum{};
      for (int part = 0; part < kPartsOfInterval; ++part) {
        const LineSums& own = memory[part * kLinesAtOnce + j];
        sum = {sum.falling_re + own.falling_re, sum.falling_im + own.falling_im, sum.rising_re + own.rising_re,
               sum.rising_im + own.rising_im};
      }
      const std::int64_t line = m * clip.sizes.lines_a_knot + first + j;
      clip.own[line] = {falling_share * sum.falling_re, falling_share * sum.falling_im};
      clip.wanted[line + clip.sizes.lines_a_knot] = {rising_share * sum.rising_re, rising_share * sum.rising_im};
    }
    synchronise_block();
  }
}

// A block for knot m: its lines, to `own`, and the wanted ones. memory: 2 lines_a_knot.
SINGERPRINT_HOST_DEVICE inline void remap_knot(BlockThread thread, const ShiftBuffers& clip,
                                               const VoicedSegment& segment, std::int64_t m, float* memory) {
  constexpr float kSmallest = 1e-30f;
  HarmonicLine* const own = clip.own + m * clip.sizes.lines_a_knot;
  HarmonicLine* const wanted = clip.wanted + m * clip.sizes.lines_a_knot;
  const int lines = own_lines(clip, segment, m);
  float *const level = memory, *const slope = memory + clip.sizes.lines_a_knot;
  for (int k = thread.index; k < lines; k += thread.count) {
    HarmonicLine line = m > segment.first_knot ? wanted[k] : HarmonicLine{0.0f, 0.0f};
    if (m < segment.last_knot) line = {line.re + own[k].re, line.im + own[k].im};
    own[k] = line;
    level[k] = 0.5f * log2f(multiply_add(line.re, line.re, line.im * line.im) + kSmallest);
  }
  synchronise_block();
  for (int k = thread.index; k < lines; k += thread.count) {
    slope[k] = envelope_slope(level, lines, k);
  }
  synchronise_block();
  const auto step =
      static_cast<float>(ratio_at_knot(frequencies_of_knot(clip, segment, m)) / clip.states->change.formant_ratio);
  const int count = wanted_lines(clip, segment, m);
  for (int k = thread.index; k < count; k += thread.count) {
    const HarmonicLine line = own[k < lines ? k : lines - 1];
    const float power = multiply_add(line.re, line.re, line.im * line.im) + kSmallest;
    const float factor = exp2f(envelope_at_line(level, slope, lines, k, step)) / sqrtf(power);
    wanted[k] = {factor * line.re, factor * line.im};
  }
}

// Re sum_k ((1 - w) c0_k + w c1_k) exp(2 pi i k phase(n)) of coefficients c0.re, c0.im, c1.re, c1.im, by Horner.
SINGERPRINT_HOST_DEVICE inline float sum_of_lines(const FourFloats* coefficients, int lines, const IntervalPhase& phase,
                                                  int n, float rising) {
  const Phasor<float> z = phasor_of_turns(phase_at(phase, static_cast<float>(n)));
  Phasor<float> first{0.0f, 0.0f}, second{0.0f, 0.0f};
  const auto next = [&](const Phasor<float>& sum, float re, float im) {
    return Phasor<float>{multiply_add(sum.re, z.re, multiply_add(-sum.im, z.im, re)),
                         multiply_add(sum.im, z.re, multiply_add(sum.re, z.im, im))};
  };
  for (int k = lines - 1; k >= 0; --k) {
    const FourFloats c = coefficients[k];
    first = next(first, c.v[0], c.v[1]);
    second = next(second, c.v[2], c.v[3]);
  }
  const float from = first.re * z.re - first.im * z.im, to = second.re * z.re - second.im * z.im;
  return multiply_add(to - from, rising, from);
}

// The lines of knots m and m + 1 side by side, zeros beyond what each has. All threads come; returns how many.
SINGERPRINT_HOST_DEVICE inline int load_lines(BlockThread thread, const HarmonicLine* here, int count,
                                              const HarmonicLine* next, int next_count, FourFloats* coefficients) {
  const int lines = count > next_count ? count : next_count;
  synchronise_block();  // nobody still reads what lies there
  for (int k = thread.index; k < lines; k += thread.count) {
    const HarmonicLine zero{0.0f, 0.0f}, a = k < count ? here[k] : zero, b = k < next_count ? next[k] : zero;
    coefficients[k] = {{a.re, a.im, b.re, b.im}};
  }
  synchronise_block();
  return lines;
}

// A block for the interval after knot m: what the remap adds to the waveform, to result (samples). memory:
// lines_a_knot.
SINGERPRINT_HOST_DEVICE inline void synthesise_interval(BlockThread thread, const ShiftBuffers& clip,
                                                        const VoicedSegment& segment, std::int64_t m,
                                                        FourFloats* memory, float* result) {
  const auto spacing = static_cast<int>(clip.sizes.spacing);
  const std::int64_t stride = clip.sizes.lines_a_knot;
  const PhaseKnot& knot = clip.knots[m];
  float* const to = result + m * spacing;
  int lines = load_lines(thread, clip.own + m * stride, own_lines(clip, segment, m), clip.own + (m + 1) * stride,
                         own_lines(clip, segment, m + 1), memory);
  const IntervalPhase source = interval_phase(knot.source, knot, 0.0, 1.0);
  for (int n = thread.index; n < spacing; n += thread.count) {
    to[n] = sum_of_lines(memory, lines, source, n, rising_weight(n, spacing));
  }
  lines = load_lines(thread, clip.wanted + m * stride, wanted_lines(clip, segment, m), clip.wanted + (m + 1) * stride,
                     wanted_lines(clip, segment, m + 1), memory);
  const IntervalPhase target = interval_phase(knot.target, knot, knot.constant, knot.factor);
  for (int n = thread.index; n < spacing; n += thread.count) {
    const float fade =
        segment_fade((m - segment.first_knot) * spacing + n, (segment.last_knot - m) * spacing - n, spacing);
    to[n] = fade * (sum_of_lines(memory, lines, target, n, rising_weight(n, spacing)) - to[n]);
  }
}

}  // namespace singerprint
