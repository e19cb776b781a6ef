#include "dsp/voice.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/turns.h"

namespace singerprint {
namespace {

constexpr int kHarmonics = 3;  // that the phase may be locked on

double fraction(double x) { return x - std::floor(x); }
double wrapped(double x, double period) { return x - period * std::round(x / period); }

}  // namespace

std::int64_t knot_spacing(double sample_rate_hz) {
  constexpr double kSpacingSeconds = 256.0 / 44100.0;
  const double decimation = std::max(1.0, std::round(sample_rate_hz / 11025.0));
  return static_cast<std::int64_t>(decimation * std::max(1.0, std::round(kSpacingSeconds * sample_rate_hz / decimation)));
}

const Voice& VoiceAnalysis::operator()(const float* waveform, std::int64_t samples, const PitchChange& change) {
  const PitchPlan& plan = tables_.plan;
  voice_.spacing = plan.hop_length / 2;
  voice_.hz.resize(static_cast<std::size_t>(pitch_frames(plan, samples)));
  tracker_(waveform, samples, voice_.hz.data());
  decimated_samples_ = decimated_samples(plan, samples);
  voice_.knots.assign(static_cast<std::size_t>(samples / voice_.spacing + 2), PhaseKnot{});
  voice_.marks.clear();
  voice_.grains.clear();
  find_segments(samples);
  for (VoicedSegment& segment : voice_.segments) {
    integrate_pitch(segment);
    make_phasors(segment);
    lock_phase(segment);
    centre_marks(segment);
    place_marks(segment);
    plan_target(segment, change);
    place_grains(segment);
  }
  return voice_;
}

// Runs of voiced frames, half a hop longer on both sides, within the clip.
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
    VoicedSegment segment{};
    segment.first_knot = std::max<std::int64_t>(0, 2 * begin - 1);
    segment.last_knot = std::min(samples / voice_.spacing, 2 * end - 1);
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
  const std::int64_t first_frame = (segment.first_knot + 1) / 2, last_frame = segment.last_knot / 2;
  for (std::int64_t m = segment.first_knot; m <= segment.last_knot; ++m) {
    const std::int64_t left = std::clamp(m / 2, first_frame, last_frame);
    const std::int64_t right = std::clamp((m + 1) / 2, first_frame, last_frame);
    knot_hz_[m] = 0.5f * (voice_.hz[left] + voice_.hz[right]);
  }
  double phase = 0.0;
  for (std::int64_t m = segment.first_knot; m <= segment.last_knot; ++m) {
    PhaseKnot& knot = voice_.knots[m];
    knot.source = phase;
    if (m == segment.last_knot) break;
    knot.slope = static_cast<float>(knot_hz_[m] / rate);
    knot.curve = static_cast<float>((knot_hz_[m + 1] - knot_hz_[m]) / (2.0 * spacing * rate));
    phase = source_at(knot, spacing);
  }
}

// phasors (2 kHarmonics, length): y exp(-2 pi i h p) at every decimated sample of the segment.
void VoiceAnalysis::make_phasors(const VoicedSegment& segment) {
  const std::int64_t decimation = tables_.plan.decimation, each = voice_.spacing / decimation;
  const std::int64_t length = (segment.last_knot - segment.first_knot) * each;
  phasors_.resize(static_cast<std::size_t>(2 * kHarmonics * length));
  const float* const y = tracker_.decimated() + segment.first_knot * each;
  for (std::int64_t i = 0; i < length; ++i) {
    const PhaseKnot& knot = voice_.knots[segment.first_knot + i / each];
    const auto cycles = static_cast<float>(wrapped(source_at(knot, static_cast<double>(i % each * decimation)), 1.0));
    const Phasor<float> unit = phasor_of_turns(-cycles);
    Phasor<float> z = unit;
    for (int h = 0; h < kHarmonics; ++h) {
      phasors_[(2 * h) * length + i] = y[i] * z.re;
      phasors_[(2 * h + 1) * length + i] = y[i] * z.im;
      z = {z.re * unit.re - z.im * unit.im, z.re * unit.im + z.im * unit.re};
    }
  }
}

// Adds to p, at every knot, what the waveform's phase is ahead of it.
void VoiceAnalysis::lock_phase(const VoicedSegment& segment) {
  constexpr double kPeriods = 1.5, kShortest = 220.0 / 44100.0;  // of the window, on one side
  constexpr double kFollow = 0.25;  // of the frequency: the most that a step to the next knot may correct
  constexpr double kWeak = 0.25;
  const std::int64_t decimation = tables_.plan.decimation, each = voice_.spacing / decimation;
  const std::int64_t count = segment.last_knot - segment.first_knot + 1, length = (count - 1) * each;
  std::vector<double> re(static_cast<std::size_t>(kHarmonics * count)), im(re.size());
  double loudness[kHarmonics] = {};
  for (std::int64_t m = 0; m < count; ++m) {
    const double period = tables_.plan.decimated_rate_hz / knot_hz_[segment.first_knot + m];
    const auto half = static_cast<std::int64_t>(std::max(kPeriods * period, kShortest * tables_.plan.decimated_rate_hz));
    const std::int64_t centre = m * each;
    for (std::int64_t i = std::max<std::int64_t>(0, centre - half); i < std::min(length, centre + half + 1); ++i) {
      const double weight =
          0.5 + 0.5 * std::cos(std::numbers::pi * static_cast<double>(i - centre) / static_cast<double>(half + 1));
      for (int h = 0; h < kHarmonics; ++h) {
        re[h * count + m] += weight * phasors_[(2 * h) * length + i];
        im[h * count + m] += weight * phasors_[(2 * h + 1) * length + i];
      }
    }
    for (int h = 0; h < kHarmonics; ++h) loudness[h] += std::hypot(re[h * count + m], im[h * count + m]);
  }
  int h = 0;
  for (int other = 1; other < kHarmonics; ++other) {
    if (loudness[h] < kWeak * loudness[other]) h = other;
  }
  const double turns = 1.0 / (h + 1), rate = tables_.plan.sample_rate_hz, spacing = static_cast<double>(voice_.spacing);
  double lead = 0.0;
  std::vector<double> leads(static_cast<std::size_t>(count));
  for (std::int64_t m = 0; m < count; ++m) {
    const double measured =
        std::atan2(im[h * count + m], re[h * count + m]) / (2.0 * std::numbers::pi) * turns;
    const double step = wrapped(measured - lead, turns);
    const double limit = kFollow * knot_hz_[segment.first_knot + m] / rate * spacing;
    lead += m == 0 ? step : std::clamp(step, -limit, limit);
    leads[m] = lead;
  }
  for (std::int64_t m = 0; m < count; ++m) {
    PhaseKnot& knot = voice_.knots[segment.first_knot + m];
    knot.source += leads[m];
    if (m + 1 == count) break;
    // A cubic with the middle slopes of its neighbours: a frequency that jumped at a knot would be heard as a click.
    const auto at = [&](std::int64_t k) { return leads[std::clamp<std::int64_t>(k, 0, count - 1)]; };
    const double rise = at(m + 1) - at(m);
    const double first = 0.5 * (at(m + 1) - at(m - 1)), last = 0.5 * (at(m + 2) - at(m));
    knot.slope += static_cast<float>(first / spacing);
    knot.curve += static_cast<float>((3.0 * rise - 2.0 * first - last) / (spacing * spacing));
    knot.bend = static_cast<float>((first + last - 2.0 * rise) / (spacing * spacing * spacing));
  }
}

// Turns s so that its integers lie where the energy of a period is.
void VoiceAnalysis::centre_marks(const VoicedSegment& segment) {
  constexpr int kBins = 32;
  double energy[kBins] = {};
  const std::int64_t decimation = tables_.plan.decimation, each = voice_.spacing / decimation;
  const float* const y = tracker_.decimated() + segment.first_knot * each;
  const std::int64_t length = (segment.last_knot - segment.first_knot) * each;
  for (std::int64_t i = 0; i < length; ++i) {
    const PhaseKnot& knot = voice_.knots[segment.first_knot + i / each];
    const double phase = fraction(source_at(knot, static_cast<double>(i % each * decimation)));
    energy[std::min(kBins - 1, static_cast<int>(phase * kBins))] += static_cast<double>(y[i]) * y[i];
  }
  int best = 0;
  double most = -1.0;
  for (int shift = 0; shift < kBins; ++shift) {
    double sum = 0.0;
    for (int bin = 0; bin < kBins; ++bin) {
      sum += energy[(shift + bin) % kBins] * (0.5 + 0.5 * std::cos(2.0 * std::numbers::pi * bin / kBins));
    }
    if (sum > most) {
      most = sum;
      best = shift;
    }
  }
  for (std::int64_t m = segment.first_knot; m <= segment.last_knot; ++m) {
    voice_.knots[m].source -= (best + 0.5) / kBins;
  }
}

void VoiceAnalysis::place_marks(VoicedSegment& segment) {
  const auto spacing = static_cast<double>(voice_.spacing);
  segment.first_mark = static_cast<std::int64_t>(voice_.marks.size());
  for (std::int64_t m = segment.first_knot; m < segment.last_knot; ++m) {
    const PhaseKnot& knot = voice_.knots[m];
    const double last = voice_.knots[m + 1].source;
    for (double phase = std::floor(knot.source) + 1.0; phase <= last; phase += 1.0) {
      const double t = time_of_advance(knot, 0.0, 1.0, phase - knot.source, spacing);
      voice_.marks.push_back(static_cast<double>(m * voice_.spacing) + t);
    }
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
    const FrequencyMap map = frequency_map(change, voice_.median_hz, tables_.plan.sample_rate_hz, knot.slope,
                                           frequency_at(knot, spacing));
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
  segment.first_grain = static_cast<std::int64_t>(voice_.grains.size());
  segment.grains = 0;
  if (segment.marks < 3) return;
  const auto spacing = static_cast<double>(voice_.spacing);
  const double first_phase = std::floor(voice_.knots[segment.first_knot].source) + 1.0;
  const double last_mark = voice_.marks[segment.first_mark + segment.marks - 1];
  constexpr double kRounding = 1e-6;  // the first grain stands on the first mark, whatever q's rounding there
  for (std::int64_t m = segment.first_knot; m < segment.last_knot; ++m) {
    const PhaseKnot& knot = voice_.knots[m];
    const double last = voice_.knots[m + 1].target;
    for (double phase = std::max(0.0, std::floor(knot.target + 1.0 - kRounding)); phase < last - kRounding; phase += 1.0) {
      const double t = time_of_advance(knot, knot.constant, knot.factor, phase - knot.target, spacing);
      const double at = static_cast<double>(m * voice_.spacing) + t;
      if (at > last_mark + 0.5) continue;
      const auto source = static_cast<std::int64_t>(std::llround(source_at(knot, t) - first_phase));
      const double own = frequency_at(knot, t), wanted = knot.constant + knot.factor * own;
      voice_.grains.push_back({at, segment.first_mark + std::clamp<std::int64_t>(source, 0, segment.marks - 1),
                               static_cast<float>(own / wanted)});
    }
  }
  segment.grains = static_cast<std::int64_t>(voice_.grains.size()) - segment.first_grain;
}

}  // namespace singerprint
