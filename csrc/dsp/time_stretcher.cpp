#include "dsp/time_stretcher.h"

#include <algorithm>
#include <cmath>

namespace singerprint {

PitchTables time_stretch_tables(double sample_rate_hz) {
  return pitch_tables(sample_rate_hz, 2 * knot_spacing(sample_rate_hz), kStretchMinHz, kStretchMaxHz);
}

TimeStretcher::TimeStretcher(const PitchTables& tables)
    : tables_(tables),
      analysis_(tables),
      sinc_(sinc_table(1.0)),
      margin_(psola_margin(tables.plan.sample_rate_hz, tables.plan.min_hz, 1.0, sinc_.taps)) {}

void TimeStretcher::operator()(const float* waveform, std::int64_t samples, double rate, float* result,
                               std::int64_t result_samples) {
  const std::int64_t end = std::min(result_samples, stretched_samples(samples, rate));
  std::fill(result, result + result_samples, 0.0f);
  if (end == 0) return;
  if (rate == 1.0) {
    std::copy(waveform, waveform + end, result);
    return;
  }
  const double sample_rate_hz = tables_.plan.sample_rate_hz;
  samples_ = samples;
  voice_ = &analysis_.find(waveform, samples);
  padded_.assign(static_cast<std::size_t>(samples + 2 * margin_), 0.0f);
  std::copy(waveform, waveform + samples, padded_.begin() + margin_);
  const std::int64_t length = energy_length(voice_->spacing);
  energies_.clear();
  for (std::int64_t block = 0; block * length < samples; ++block) {
    energies_.push_back(energy_of_block(waveform, samples, length, block));
  }
  grains_.clear();
  spans_.clear();
  segments_ = voice_->segments;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (is_renderable(segments_[i])) set_grains(segments_[i], static_cast<std::int64_t>(i), rate);
  }
  std::int64_t splices = 0, begin = 0;
  for (std::size_t i = 0; i <= spans_.size(); ++i) {
    const VoicedSpan *const before = i > 0 ? &spans_[i - 1] : nullptr, *const after =
                                                                           i < spans_.size() ? &spans_[i] : nullptr;
    const Rest rest =
        rest_between(before, after, segments_.data(), voice_->spacing, samples, rate, sample_rate_hz, splices);
    splices += rest.splices;
    const auto to = after != nullptr ? static_cast<std::int64_t>(std::ceil(after->first_target)) : end;
    render_rest(rest, rate, begin, std::min(to, end), result);
    if (after != nullptr) begin = static_cast<std::int64_t>(std::ceil(after->last_target));
  }
  for (const VoicedSpan& span : spans_) render_span(span, end, result);
}

void TimeStretcher::set_grains(VoicedSegment& segment, std::int64_t index, double rate) {
  const double* const marks = voice_->marks.data() + segment.first_mark;
  segment.first_grain = static_cast<std::int64_t>(grains_.size());
  segment.grains = count_of_stretched_grains(segment.marks, rate);
  for (std::int64_t j = 0; j < segment.grains; ++j) grains_.push_back(stretched_grain(marks, segment, rate, j));
  spans_.push_back(span_of(marks, grains_.data() + segment.first_grain, segment, index));
}

void TimeStretcher::render_span(const VoicedSpan& span, std::int64_t end, float* result) const {
  const VoicedSegment& segment = segments_[static_cast<std::size_t>(span.segment)];
  SINGERPRINT_LANES(mute_segment_lanes)
  (span.first_target, span.first_period, span.last_target, span.last_period, end, result);
  for (std::int64_t j = 0; j < segment.grains; ++j) {
    const GrainShape grain = shape_of_grain(voice_->marks.data() + segment.first_mark, segment,
                                            grains_[segment.first_grain + j], 1.0, GrainWidth::kOwnPeriod);
    const std::int64_t from = std::max<std::int64_t>(0, begin_of_grain(grain));
    SINGERPRINT_LANES(add_grain_lanes)
    (padded_.data() + margin_, grain, sinc_.weights.data(), sinc_.taps, from, std::min(end, end_of_grain(grain)),
     result);
  }
}

// result [begin, end): the pieces of a rest, and the fades between them.
void TimeStretcher::render_rest(const Rest& rest, double rate, std::int64_t begin, std::int64_t end, float* result) {
  double offset = rest.first_offset;
  for (std::int64_t k = 0; k < rest.splices && begin < end; ++k) {
    Splice splice = place_splice(rest, rate, k);
    read(offset, begin, std::min(end, splice.at - splice.half), result);
    fade(splice, begin, end, result);
    begin = std::max(begin, splice.at + splice.half);
    offset = splice.after;
  }
  read(offset, begin, end, result);
}

Splice TimeStretcher::place_splice(const Rest& rest, double rate, std::int64_t k) {
  const double sample_rate_hz = tables_.plan.sample_rate_hz;
  const int step = quietest_step([&](int to) {
    return energy_at_splice(rest, rate, sample_rate_hz, k, to, energies_.data(), samples_,
                            energy_length(voice_->spacing));
  });
  return splice_at_step(rest, rate, sample_rate_hz, k, step);
}

// The part of a splice's fade that lies in [begin, end).
void TimeStretcher::fade(Splice& splice, std::int64_t begin, std::int64_t end, float* result) {
  const std::int64_t first = splice.at - splice.half, count = 2 * splice.half;
  before_.resize(static_cast<std::size_t>(count));
  after_.resize(static_cast<std::size_t>(count));
  read(splice.before + static_cast<double>(first), 0, count, before_.data());
  read(splice.after + static_cast<double>(first), 0, count, after_.data());
  float product = 0.0f, own = 0.0f, other = 0.0f;
  for (std::int64_t i = 0; i < count; ++i) {
    product += before_[i] * after_[i];
    own += before_[i] * before_[i];
    other += after_[i] * after_[i];
  }
  splice.correlation = correlation_of(product, own, other);
  for (std::int64_t n = std::max(begin, first); n < std::min(end, first + count); ++n) {
    result[n] = faded(splice, n, before_[n - first], after_[n - first]);
  }
}

// result[n] = x(n + offset), n in [begin, end); the waveform is 0 beyond its ends.
void TimeStretcher::read(double offset, std::int64_t begin, std::int64_t end, float* result) const {
  const auto whole = static_cast<std::int64_t>(std::floor(offset)), taps = std::int64_t{sinc_.taps};
  const std::int64_t from = std::clamp(-taps - whole, begin, std::max(begin, end));
  const std::int64_t to = std::clamp(samples_ + taps - whole, from, std::max(from, end));
  if (begin < from) std::fill(result + begin, result + from, 0.0f);
  if (to < end) std::fill(result + to, result + end, 0.0f);
  if (offset == static_cast<double>(whole)) {
    std::copy(padded_.data() + margin_ + from + whole, padded_.data() + margin_ + to + whole, result + from);
  } else {
    SINGERPRINT_LANES(read_moved_lanes)
    (padded_.data() + margin_, offset, sinc_.weights.data(), sinc_.taps, from, to, result);
  }
}

}  // namespace singerprint
