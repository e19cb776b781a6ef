#include "dsp/voice.h"

#include <algorithm>
#include <cmath>

#include "dsp/voice_steps.h"

namespace singerprint {

std::int64_t knot_spacing(double sample_rate_hz) {
  constexpr double kSpacingSeconds = 256.0 / 44100.0;
  const double decimation = std::max(1.0, std::round(sample_rate_hz / 11025.0));
  return static_cast<std::int64_t>(decimation *
                                   std::max(1.0, std::round(kSpacingSeconds * sample_rate_hz / decimation)));
}

const Voice& VoiceAnalysis::find(const float* waveform, std::int64_t samples) {
  const PitchPlan& plan = tables_.plan;
  voice_.spacing = plan.hop_length / 2;
  voice_.hz.resize(static_cast<std::size_t>(pitch_frames(plan, samples)));
  tracker_(waveform, samples, voice_.hz.data());
  voice_.knots.assign(static_cast<std::size_t>(samples / voice_.spacing + 2), PhaseKnot{});
  voice_.marks.clear();
  voice_.grains.clear();
  find_segments(samples);
  for (VoicedSegment& segment : voice_.segments) {
    integrate_pitch(segment);
    lock_phase(segment);
    place_marks(segment);
  }
  return voice_;
}

const Voice& VoiceAnalysis::operator()(const float* waveform, std::int64_t samples, const PitchChange& change,
                                       double grains_below_hz) {
  find(waveform, samples);
  for (VoicedSegment& segment : voice_.segments) {
    plan_target(segment, change);
    segment.first_grain = static_cast<std::int64_t>(voice_.grains.size());
    segment.grains = 0;
    if (segment.median_hz < grains_below_hz) place_grains(segment);
  }
  return voice_;
}

void VoiceAnalysis::find_segments(std::int64_t samples) {
  voice_.segments.clear();
  std::vector<float> voiced;
  const auto frames = static_cast<std::int64_t>(voice_.hz.size());
  const auto median = [](std::vector<float>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return static_cast<double>(*middle);
  };
  for (std::int64_t begin = 0; begin < frames; ++begin) {
    if (!(voice_.hz[begin] > 0.0f)) continue;
    std::int64_t end = begin;
    while (end < frames && voice_.hz[end] > 0.0f) ++end;
    std::vector<float> own(voice_.hz.begin() + begin, voice_.hz.begin() + end);
    voiced.insert(voiced.end(), own.begin(), own.end());
    VoicedSegment segment = segment_of_frames(begin, end, samples, voice_.spacing);
    segment.median_hz = median(own);
    if (segment.last_knot > segment.first_knot) voice_.segments.push_back(segment);
    begin = end;
  }
  voice_.median_hz = voiced.empty() ? 0.0 : median(voiced);
}

// The track at the knots, and its integral: still without the phase of the waveform.
void VoiceAnalysis::integrate_pitch(const VoicedSegment& segment) {
  const double rate = tables_.plan.sample_rate_hz;
  const auto spacing = static_cast<double>(voice_.spacing);
  knot_hz_.resize(voice_.knots.size());
  for (std::int64_t m = segment.first_knot; m <= segment.last_knot; ++m) {
    knot_hz_[m] = track_at_knot(voice_.hz.data(), segment, m);
  }
  double phase = 0.0;
  for (std::int64_t m = segment.first_knot; m <= segment.last_knot; ++m) {
    PhaseKnot& knot = voice_.knots[m];
    knot.source = phase;
    if (m == segment.last_knot) break;
    follow_track(knot, knot_hz_[m], knot_hz_[m + 1], rate, spacing);
    phase = source_at(knot, spacing);
  }
}

// Turns the segment's harmonics down to 0 Hz by the phase of the track.
void VoiceAnalysis::demodulate(const VoicedSegment& segment) {
  const std::int64_t decimation = tables_.plan.decimation, each = voice_.spacing / decimation;
  const std::int64_t intervals = segment.last_knot - segment.first_knot, length = intervals * each;
  demodulated_.resize(static_cast<std::size_t>(2 * kLockHarmonics * length));
  moments_.assign(static_cast<std::size_t>(2 * intervals), 0.0f);
  for (std::int64_t m = 0; m < intervals; ++m) {
    SINGERPRINT_LANES(demodulate_lanes)
    (tracker_.decimated() + (segment.first_knot + m) * each, each, static_cast<std::int32_t>(decimation),
     voice_.knots[segment.first_knot + m], demodulated_.data() + m * each, length, moments_.data() + 2 * m);
  }
}

// What the waveform's phase is ahead of the track's, in cycles, at every knot.
std::vector<double> VoiceAnalysis::measure_leads(const VoicedSegment& segment) {
  const std::int64_t each = voice_.spacing / tables_.plan.decimation;
  const std::int64_t count = segment.last_knot - segment.first_knot + 1, length = (count - 1) * each;
  std::vector<float> sums(static_cast<std::size_t>(2 * kLockHarmonics * count));
  float loudness[kLockHarmonics] = {};
  for (std::int64_t m = 0; m < count; ++m) {
    const std::int64_t half = lock_half_window(tables_.plan.decimated_rate_hz, knot_hz_[segment.first_knot + m]);
    const std::int64_t centre = m * each;
    float* const sum = sums.data() + 2 * kLockHarmonics * m;
    SINGERPRINT_LANES(window_sums_lanes)
    (demodulated_.data(), length, std::max<std::int64_t>(0, centre - half), std::min(length, centre + half + 1), centre,
     half + 1, sum);
    for (int h = 0; h < kLockHarmonics; ++h) loudness[h] += std::hypot(sum[2 * h], sum[2 * h + 1]);
  }
  const int h = lock_harmonic(loudness);
  const double turns = 1.0 / (h + 1);
  std::vector<double> leads;
  for (std::int64_t m = 0; m < count; ++m) {
    const float* const sum = sums.data() + 2 * (kLockHarmonics * m + h);
    const double measured = measured_lead(sum[0], sum[1], turns);
    const double limit =
        lead_limit(knot_hz_[segment.first_knot + m], tables_.plan.sample_rate_hz, static_cast<double>(voice_.spacing));
    leads.push_back(m == 0 ? measured : next_lead(leads.back(), measured, turns, limit));
  }
  return leads;
}

// s: the phase of the track, what the waveform is ahead of it, and a turn that puts the integers where the energy of a
// period is: at the angle of its first circular moment, where it has the largest sum under a Hann window.
void VoiceAnalysis::lock_phase(const VoicedSegment& segment) {
  demodulate(segment);
  const std::vector<double> leads = measure_leads(segment);
  const auto count = static_cast<std::int64_t>(leads.size());
  const auto spacing = static_cast<double>(voice_.spacing);
  Moment moment{};
  for (std::int64_t m = 0; m + 1 < count; ++m) {
    const Moment share = turned_moment(moments_[2 * m], moments_[2 * m + 1], leads[m], leads[m + 1]);
    moment = {moment.re + share.re, moment.im + share.im};
  }
  const double centre = centre_of_energy(moment);
  const auto lead = [&](std::int64_t m) { return leads[std::clamp<std::int64_t>(m, 0, count - 1)]; };
  for (std::int64_t m = 0; m < count; ++m) {
    PhaseKnot& knot = voice_.knots[segment.first_knot + m];
    knot.source += leads[m] - centre;
    if (m + 1 == count) break;
    add_lead(knot, lead(m - 1), lead(m), lead(m + 1), lead(m + 2), spacing);
  }
}

void VoiceAnalysis::place_marks(VoicedSegment& segment) {
  const auto spacing = static_cast<double>(voice_.spacing);
  segment.first_mark = static_cast<std::int64_t>(voice_.marks.size());
  for (std::int64_t m = segment.first_knot; m < segment.last_knot; ++m) {
    for_each_mark(voice_.knots[m], voice_.knots[m + 1].source, spacing,
                  [&](double, double t) { voice_.marks.push_back(static_cast<double>(m * voice_.spacing) + t); });
  }
  segment.marks = static_cast<std::int64_t>(voice_.marks.size()) - segment.first_mark;
}

// q, 0 at the first mark.
void VoiceAnalysis::plan_target(const VoicedSegment& segment, const PitchChange& change) {
  if (segment.marks == 0) return;
  const auto spacing = static_cast<double>(voice_.spacing);
  double phase = 0.0;
  for (std::int64_t m = segment.first_knot; m <= segment.last_knot; ++m) {
    PhaseKnot& knot = voice_.knots[m];
    knot.target = phase;
    if (m == segment.last_knot) break;
    const FrequencyMap map =
        frequency_map_of_interval(change, voice_.median_hz, tables_.plan.sample_rate_hz, knot, spacing);
    knot.constant = static_cast<float>(map.constant);
    knot.factor = static_cast<float>(map.factor);
    phase = target_at(knot, spacing);
  }
  const double first = voice_.marks[segment.first_mark];
  const std::int64_t m = static_cast<std::int64_t>(first) / voice_.spacing;
  const double offset = target_at(voice_.knots[m], first - static_cast<double>(m * voice_.spacing));
  for (std::int64_t k = segment.first_knot; k <= segment.last_knot; ++k) voice_.knots[k].target -= offset;
}

void VoiceAnalysis::place_grains(VoicedSegment& segment) {
  if (segment.marks < 3) return;
  const auto spacing = static_cast<double>(voice_.spacing);
  const double first_phase = first_mark_phase(voice_.knots[segment.first_knot]);
  const double last_mark = voice_.marks[segment.first_mark + segment.marks - 1];
  for (std::int64_t m = segment.first_knot; m < segment.last_knot; ++m) {
    const PhaseKnot& knot = voice_.knots[m];
    for_each_grain(knot, voice_.knots[m + 1].target, spacing, [&](double, double t) {
      const double at = static_cast<double>(m * voice_.spacing) + t;
      if (!is_beyond(at, last_mark)) voice_.grains.push_back(grain_of(knot, at, t, first_phase, segment));
    });
  }
  segment.grains = static_cast<std::int64_t>(voice_.grains.size()) - segment.first_grain;
}

}  // namespace singerprint
