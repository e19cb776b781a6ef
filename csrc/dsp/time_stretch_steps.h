// The plan of a time stretch, a grain or a splice at a time: arithmetic of CPU and CUDA. The formulas are in
// dsp/time_stretcher.h.
//
// What decides (where a rest is cut, which material is repeated) follows from whole numbers and from sums in one fixed
// order, so that the CPU and CUDA decide alike; the marks, which the two know to some 1e-4 samples, enter only where
// the result depends on them continuously.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/host_device.h"
#include "dsp/psola_sample.h"
#include "dsp/voice.h"

namespace singerprint {

inline constexpr double kSpliceSeconds = 0.016;  // of the waveform, repeated or left out at a splice, about
inline constexpr double kLongestFadeSeconds = 0.008;
inline constexpr int kSpliceSteps = 16;  // of the place of a splice, between one and the next
inline constexpr int kSpliceReach = 7;   // steps that it may be moved by, either way

// A voiced segment whose periods are set down at their own distance, `rate` times as many or as few.
struct VoicedSpan {
  std::int64_t segment;              // of the list of the clip
  double first_target, last_target;  // of its grains, samples of the result
  double first_offset, last_offset;  // from there to their marks
  double first_period, last_period;  // before the first mark and after the last one
};

// What lies between two spans: samples [begin, end) of the waveform, from begin / rate to end / rate of the result, and
// what is beside it before the last grain of one span and the first of the next.
struct Rest {
  std::int64_t begin, end;
  double first_offset, last_offset;  // of its first and its last piece
  std::int64_t first_splice, splices;
};

// Where the reading jumps from n + before to n + after.
struct Splice {
  std::int64_t at;    // sample of the result
  std::int64_t half;  // of the fade: [at - half, at + half)
  double before, after;
  float correlation;  // of what is faded from to what is faded to, in [0, 1]
};

// The samples of a result that come of the waveform; the rest of a longer one is silent.
SINGERPRINT_HOST_DEVICE inline std::int64_t stretched_samples(std::int64_t samples, double rate) {
  return static_cast<std::int64_t>(ceil(static_cast<double>(samples) / rate));
}

SINGERPRINT_HOST_DEVICE inline bool is_renderable(const VoicedSegment& segment) { return segment.marks >= 3; }

// Where s has risen by u periods above the first mark, u in [0, count - 1]: a cubic with the middle slopes of its
// neighbours, since straight lines would make the pitch of a glide flutter.
SINGERPRINT_HOST_DEVICE inline double time_between_marks(const double* marks, std::int64_t count, double u) {
  std::int64_t i = static_cast<std::int64_t>(u);
  i = i < count - 2 ? i : count - 2;
  const double t = u - static_cast<double>(i), here = marks[i], next = marks[i + 1], rise = next - here;
  const double before = i > 0 ? here - marks[i - 1] : rise, after = i + 2 < count ? marks[i + 2] - next : rise;
  const double first = 0.5 * (before + rise), last = 0.5 * (rise + after);
  return here + t * (first + t * (3.0 * rise - 2.0 * first - last + t * (first + last - 2.0 * rise)));
}

SINGERPRINT_HOST_DEVICE inline std::int64_t count_of_stretched_grains(std::int64_t marks, double rate) {
  return static_cast<std::int64_t>(static_cast<double>(marks - 1) / rate) + 1;
}

// Grain j of a segment: the mark nearest to the j-th multiple of `rate` periods.
SINGERPRINT_HOST_DEVICE inline Grain stretched_grain(const double* marks, const VoicedSegment& segment, double rate,
                                                     std::int64_t j) {
  const double u = static_cast<double>(j) * rate;
  const std::int64_t nearest = static_cast<std::int64_t>(u + 0.5), last = segment.marks - 1;
  return {time_between_marks(marks, segment.marks, u) / rate, segment.first_mark + (nearest < last ? nearest : last),
          1.0f};
}

// marks and grains: those of the segment, whose number `index` is.
SINGERPRINT_HOST_DEVICE inline VoicedSpan span_of(const double* marks, const Grain* grains,
                                                  const VoicedSegment& segment, std::int64_t index) {
  const GrainShape first = shape_of_grain(marks, segment, grains[0], 1.0, GrainWidth::kOwnPeriod);
  const GrainShape last = shape_of_grain(marks, segment, grains[segment.grains - 1], 1.0, GrainWidth::kOwnPeriod);
  return {index,      first.target, last.target, first.source - first.target, last.source - last.target,
          first.left, last.right};
}

// The rest between two spans, each null at an end of the clip.
SINGERPRINT_HOST_DEVICE inline Rest rest_between(const VoicedSpan* before, const VoicedSpan* after,
                                                 const VoicedSegment* segments, std::int64_t spacing,
                                                 std::int64_t samples, double rate, double sample_rate_hz,
                                                 std::int64_t first_splice) {
  Rest rest{};
  rest.begin = before != nullptr ? segments[before->segment].last_knot * spacing : 0;
  rest.end = after != nullptr ? segments[after->segment].first_knot * spacing : samples;
  rest.first_splice = first_splice;
  if (rest.end > rest.begin) {
    const double drift = static_cast<double>(rest.end - rest.begin) * fabs(1.0 - 1.0 / rate);
    rest.splices = static_cast<std::int64_t>(fmax(1.0, floor(drift / (kSpliceSeconds * sample_rate_hz) + 0.5)));
  }
  rest.first_offset = before != nullptr ? before->last_offset : rest.splices > 0 ? 0.0 : after->first_offset;
  rest.last_offset = after != nullptr   ? after->first_offset
                     : rest.splices > 0 ? static_cast<double>(samples - stretched_samples(samples, rate))
                                        : before->last_offset;
  return rest;
}

// The most splices that the rests of a clip can have.
inline std::int64_t most_splices(std::int64_t samples, std::int64_t segments, double sample_rate_hz) {
  return static_cast<std::int64_t>(static_cast<double>(samples) / (kSpliceSeconds * sample_rate_hz)) + segments + 2;
}

// A number in [-1, 1) that looks random: finalizer of MurmurHash3, Appleby 2011.
SINGERPRINT_HOST_DEVICE inline double scattered(std::int64_t number) {
  auto bits = static_cast<std::uint32_t>(number);
  bits = (bits ^ (bits >> 16)) * 0x85ebca6bu;
  bits = (bits ^ (bits >> 13)) * 0xc2b2ae35u;
  bits ^= bits >> 16;
  return static_cast<double>(bits) * (1.0 / 2147483648.0) - 1.0;
}

// From the samples of the result to those of the waveform in piece k of a rest, 0 <= k <= splices, were there no voice
// beside it. In the middle of a piece it is that of the rate, but for up to a quarter of a jump: jumps of one length
// would give noise a pitch.
SINGERPRINT_HOST_DEVICE inline double planned_offset(const Rest& rest, double rate, std::int64_t k) {
  const auto begin = static_cast<double>(rest.begin), length = static_cast<double>(rest.end - rest.begin);
  const double jump = (length - length / rate) / static_cast<double>(rest.splices);
  const double scatter = k == 0 || k == rest.splices ? 0.0 : 0.25 * scattered(rest.first_splice + k);
  return floor(begin - begin / rate + jump * (static_cast<double>(k) + scatter) + 0.5);
}
// And with the voices.
SINGERPRINT_HOST_DEVICE inline double offset_of_piece(const Rest& rest, double rate, std::int64_t k) {
  return k == 0 ? rest.first_offset : k == rest.splices ? rest.last_offset : planned_offset(rest, rate, k);
}

// The waveform's energy, `length` samples at a time: the first step to the choice of quiet places.
SINGERPRINT_HOST_DEVICE inline std::int64_t energy_length(std::int64_t spacing) {
  return spacing / 8 > 0 ? spacing / 8 : 1;
}
SINGERPRINT_HOST_DEVICE inline float energy_of_block(const float* waveform, std::int64_t samples, std::int64_t length,
                                                     std::int64_t block) {
  const std::int64_t begin = block * length, end = begin + length < samples ? begin + length : samples;
  float sum = 0.0f;
  for (std::int64_t n = begin; n < end; ++n) sum = fma(waveform[n], waveform[n], sum);
  return sum;
}

// Splice k of a rest, 0 <= k < splices, without its correlation.
SINGERPRINT_HOST_DEVICE inline Splice splice_at_step(const Rest& rest, double rate, double sample_rate_hz,
                                                     std::int64_t k, int step) {
  const double spacing = static_cast<double>(rest.end - rest.begin) / rate / static_cast<double>(rest.splices);
  const double at = static_cast<double>(rest.begin) / rate +
                    spacing * (static_cast<double>(k) + 0.5 + static_cast<double>(step) / kSpliceSteps);
  // A sample less on either side: the place is rounded down, and has to stay apart from the next one.
  const double half = fmin(0.5 * kLongestFadeSeconds * sample_rate_hz, spacing / kSpliceSteps - 1.0);
  return {static_cast<std::int64_t>(at), half > 0.0 ? static_cast<std::int64_t>(half) : 0,
          offset_of_piece(rest, rate, k), offset_of_piece(rest, rate, k + 1), 0.0f};
}

// The energy around what a splice repeats or leaves out, moved by `step` steps: of kSpliceReach steps either way the
// least is taken, so that attacks are neither doubled nor lost where there is a quieter place: from rate 0.6 to 1.5
// there always is one in silence; nearer to 2 what is left out reaches from splice to splice. Beyond the ends of the
// waveform it is quiet, and yet no place to read from.
SINGERPRINT_HOST_DEVICE inline float energy_at_splice(const Rest& rest, double rate, double sample_rate_hz,
                                                      std::int64_t k, int step, const float* energies,
                                                      std::int64_t samples, std::int64_t length) {
  constexpr float kNever = 3.4e38f;
  const Splice splice = splice_at_step(rest, rate, sample_rate_hz, k, step);
  const double before = planned_offset(rest, rate, k), after = planned_offset(rest, rate, k + 1);
  const double first = static_cast<double>(splice.at - splice.half) + fmin(before, after);
  const double last = static_cast<double>(splice.at + splice.half) + fmax(before, after);
  if (first < 0.0 || last > static_cast<double>(samples - 1)) return kNever;
  const auto end = static_cast<std::int64_t>(last) / length;
  float sum = 0.0f;
  for (std::int64_t block = static_cast<std::int64_t>(first) / length; block <= end; ++block) sum += energies[block];
  return sum;
}

template <class EnergyAt>
SINGERPRINT_HOST_DEVICE inline int quietest_step(EnergyAt energy_at) {
  int quietest = 0;
  float least = energy_at(0);
  for (int step = -kSpliceReach; step <= kSpliceReach; ++step) {
    const float energy = energy_at(step);
    if (energy < least) {
      least = energy;
      quietest = step;
    }
  }
  return quietest;
}

// The splice of a rest that is near sample n of the result.
SINGERPRINT_HOST_DEVICE inline std::int64_t splice_near(const Rest& rest, double rate, std::int64_t n) {
  const auto begin = static_cast<double>(rest.begin) / rate, length = static_cast<double>(rest.end - rest.begin) / rate;
  const double k = floor((static_cast<double>(n) - begin) / length * static_cast<double>(rest.splices));
  return k < 0.0 ? 0 : k < static_cast<double>(rest.splices) ? static_cast<std::int64_t>(k) : rest.splices - 1;
}

// Of the sums of both sides' products under a fade; only what agrees counts, and nothing that is not finite.
SINGERPRINT_HOST_DEVICE inline float correlation_of(float product, float first, float second) {
  const float most = sqrtf(first) * sqrtf(second);
  return product > 0.0f && most > 0.0f ? fminf(product / most, 1.0f) : 0.0f;
}

// A fade between two sides of a known correlation that keeps their power, at sample n of the result.
SINGERPRINT_HOST_DEVICE inline float faded(const Splice& splice, std::int64_t n, float before, float after) {
  const auto from_middle = static_cast<float>(n - splice.at) + 0.5f;
  const float down = hann_at(0.5f + 0.5f * from_middle / static_cast<float>(splice.half)), up = 1.0f - down;
  const float power = down * down + up * up + 2.0f * splice.correlation * down * up;
  return (down * before + up * after) / sqrtf(power);
}

}  // namespace singerprint
