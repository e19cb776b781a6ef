#include "dsp/harmonic_remap.h"

#include <algorithm>

#include "dsp/harmonic_lines.h"

namespace singerprint {
namespace {

constexpr std::int32_t kPadding = 16;  // numbers that lanes may touch beyond the last harmonic

std::size_t padded(std::int32_t harmonics) {
  return static_cast<std::size_t>((harmonics + kPadding - 1) / kPadding * kPadding);
}

}  // namespace

HarmonicRemap::HarmonicRemap(double sample_rate_hz, std::int64_t spacing)
    : sample_rate_hz_(sample_rate_hz), spacing_(spacing) {
  for (std::int64_t n = 0; n < spacing; ++n) {
    rising_window_.push_back(rising_weight(n, spacing));
  }
  rising_window_.resize(static_cast<std::size_t>(spacing + 2 * kPadding), 1.0f);
  const auto room = static_cast<std::size_t>(spacing + 2 * kPadding);
  work_.resize(3 * room);
  source_sum_.resize(room);
  target_sum_.resize(room);
}

void HarmonicRemap::operator()(const float* waveform, const Voice& voice, const VoicedSegment& segment,
                               double formant_ratio, float* result) {
  analyse(waveform, voice, segment);
  const std::int64_t intervals = segment.last_knot - segment.first_knot;
  for (std::int64_t m = 0; m <= intervals; ++m) {
    // Of the last knot only the phases hold: it has the frequencies of the interval before it.
    const PhaseKnot& knot = voice.knots[segment.first_knot + std::min(m, intervals - 1)];
    const double ratio = ratio_at_knot(knot);
    knots_[m].wanted = count_of_harmonics(knot.slope * ratio, maximal_harmonics(sample_rate_hz_));
    remap(knots_[m], ratio, formant_ratio);
  }
  for (std::int64_t m = 0; m < intervals; ++m) {
    const PhaseKnot& knot = voice.knots[segment.first_knot + m];
    const Knot &from = knots_[m], &to = knots_[m + 1];
    const std::int32_t harmonics = std::max(from.harmonics, to.harmonics), wanted = std::max(from.wanted, to.wanted);
    interleave(harmonics, from.re, from.im, to.re, to.im);
    SINGERPRINT_LANES(sum_harmonics_lanes)
    (coefficients_.data(), harmonics, spacing_, rising_window_.data(), interval_phase(knot.source, knot, 0.0, 1.0),
     source_sum_.data());
    interleave(wanted, from.wanted_re, from.wanted_im, to.wanted_re, to.wanted_im);
    SINGERPRINT_LANES(sum_harmonics_lanes)
    (coefficients_.data(), wanted, spacing_, rising_window_.data(),
     interval_phase(knot.target, knot, knot.constant, knot.factor), target_sum_.data());
    float* const to_samples = result + (segment.first_knot + m) * spacing_;
    for (std::int64_t n = 0; n < spacing_; ++n) {
      const float fade = segment_fade(m * spacing_ + n, (intervals - m) * spacing_ - n, spacing_);
      to_samples[n] += fade * (target_sum_[n] - source_sum_[n]);
    }
  }
}

// The lines at every knot of a segment: each interval gives its share to both of its knots.
void HarmonicRemap::analyse(const float* waveform, const Voice& voice, const VoicedSegment& segment) {
  const std::int64_t intervals = segment.last_knot - segment.first_knot;
  if (static_cast<std::int64_t>(knots_.size()) < intervals + 1) knots_.resize(static_cast<std::size_t>(intervals + 1));
  for (std::int64_t m = 0; m <= intervals; ++m) {
    const PhaseKnot& knot = voice.knots[segment.first_knot + std::min(m, intervals - 1)];
    knots_[m].harmonics = count_of_harmonics(knot.slope, maximal_harmonics(sample_rate_hz_));
    knots_[m].re.assign(padded(knots_[m].harmonics), 0.0f);
    knots_[m].im.assign(padded(knots_[m].harmonics), 0.0f);
  }
  for (std::int64_t m = 0; m < intervals; ++m) {
    const PhaseKnot& knot = voice.knots[segment.first_knot + m];
    const std::int32_t harmonics = std::max(knots_[m].harmonics, knots_[m + 1].harmonics);
    const std::size_t size = padded(harmonics);
    falling_.assign(2 * size, 0.0f);
    rising_.assign(2 * size, 0.0f);
    SINGERPRINT_LANES(analyse_harmonics_lanes)
    (waveform + (segment.first_knot + m) * spacing_, spacing_, rising_window_.data(),
     interval_phase(knot.source, knot, 0.0, 1.0), static_cast<std::int32_t>(size), work_.data(), falling_.data(),
     rising_.data());
    const auto add = [&](Knot& to, const std::vector<float>& share, bool alone) {
      const float scale = share_of_interval(spacing_, alone);
      for (std::int32_t k = 0; k < to.harmonics; ++k) {
        to.re[k] += scale * share[k];
        to.im[k] += scale * share[size + k];
      }
    };
    add(knots_[m], falling_, m == 0);
    add(knots_[m + 1], rising_, m + 1 == intervals);
  }
}

// The wanted lines of a knot from its own.
void HarmonicRemap::remap(Knot& knot, double ratio, double formant_ratio) {
  const std::int32_t last = knot.harmonics - 1;
  level_.resize(padded(knot.harmonics));
  slope_.assign(level_.size(), 0.0f);
  unit_re_.resize(level_.size());
  unit_im_.resize(level_.size());
  SINGERPRINT_LANES(split_harmonics_lanes)
  (knot.re.data(), knot.im.data(), knot.harmonics, level_.data(), unit_re_.data(), unit_im_.data());
  for (std::int32_t k = 0; k < knot.harmonics; ++k) {
    slope_[k] = envelope_slope(level_.data(), knot.harmonics, k);
  }
  const std::size_t size = padded(knot.wanted);
  wanted_level_.assign(size, 0.0f);
  knot.wanted_re.assign(size, 0.0f);
  knot.wanted_im.assign(size, 0.0f);
  const auto step = static_cast<float>(ratio / formant_ratio);
  wanted_unit_re_.assign(size, 0.0f);
  wanted_unit_im_.assign(size, 0.0f);
  for (std::int32_t k = 0; k < knot.wanted; ++k) {
    wanted_level_[k] = envelope_at_line(level_.data(), slope_.data(), knot.harmonics, k, step);
    const std::int32_t own = std::min(k, last);
    wanted_unit_re_[k] = unit_re_[own];
    wanted_unit_im_[k] = unit_im_[own];
  }
  SINGERPRINT_LANES(join_harmonics_lanes)
  (wanted_level_.data(), wanted_unit_re_.data(), wanted_unit_im_.data(), knot.wanted, knot.wanted_re.data(),
   knot.wanted_im.data());
}

void HarmonicRemap::interleave(std::int32_t harmonics, const std::vector<float>& re0, const std::vector<float>& im0,
                               const std::vector<float>& re1, const std::vector<float>& im1) {
  coefficients_.assign(static_cast<std::size_t>(4 * harmonics), 0.0f);
  const std::int32_t first = std::min<std::int32_t>(harmonics, static_cast<std::int32_t>(re0.size()));
  const std::int32_t second = std::min<std::int32_t>(harmonics, static_cast<std::int32_t>(re1.size()));
  for (std::int32_t k = 0; k < first; ++k) coefficients_[4 * k] = re0[k], coefficients_[4 * k + 1] = im0[k];
  for (std::int32_t k = 0; k < second; ++k) coefficients_[4 * k + 2] = re1[k], coefficients_[4 * k + 3] = im1[k];
}

}  // namespace singerprint
