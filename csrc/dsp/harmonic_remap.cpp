#include "dsp/harmonic_remap.h"

#include <algorithm>

#include "core/parts.h"
#include "dsp/harmonic_lines.h"

namespace singerprint {
namespace {

constexpr std::int64_t kFadeIntervals = 2;  // of segment_fade

// Lanes may touch numbers beyond the last harmonic, as many as there are lanes.
std::size_t padded(std::int32_t harmonics) {
  return static_cast<std::size_t>(filled_up(harmonics, kGridLanes) + kGridLanes);
}

}  // namespace

HarmonicRemap::HarmonicRemap(double sample_rate_hz, std::int64_t spacing)
    : sample_rate_hz_(sample_rate_hz), spacing_(spacing) {
  for (std::int64_t n = 0; n < spacing; ++n) {
    rising_window_.push_back(rising_weight(n, spacing));
  }
  const auto room = static_cast<std::size_t>(spacing + kGridLanes);
  rising_window_.resize(room, 1.0f);
  interval_.resize(room);
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
    knots_[m].wanted.count = count_of_harmonics(knot.slope * ratio, maximal_harmonics(sample_rate_hz_));
    remap(knots_[m], ratio, formant_ratio);
  }
  for (std::int64_t m = 0; m < intervals; ++m) {
    const PhaseKnot& knot = voice.knots[segment.first_knot + m];
    sum_lines(knots_[m].own, knots_[m + 1].own, interval_phase(knot.source, knot, 0.0, 1.0), source_sum_.data());
    sum_lines(knots_[m].wanted, knots_[m + 1].wanted, interval_phase(knot.target, knot, knot.constant, knot.factor),
              target_sum_.data());
    for (std::int64_t n = 0; n < spacing_; ++n) target_sum_[n] -= source_sum_[n];
    const std::int64_t left = intervals - m;
    if (std::min(m, left - 1) < kFadeIntervals) {
      for (std::int64_t n = 0; n < spacing_; ++n) {
        target_sum_[n] *= segment_fade(m * spacing_ + n, left * spacing_ - n, spacing_);
      }
    }
    float* const to = result + (segment.first_knot + m) * spacing_;
    for (std::int64_t n = 0; n < spacing_; ++n) to[n] += target_sum_[n];
  }
}

// The lines at every knot of a segment: each interval gives its share to both of its knots.
void HarmonicRemap::analyse(const float* waveform, const Voice& voice, const VoicedSegment& segment) {
  const std::int64_t intervals = segment.last_knot - segment.first_knot;
  if (static_cast<std::int64_t>(knots_.size()) < intervals + 1) knots_.resize(static_cast<std::size_t>(intervals + 1));
  for (std::int64_t m = 0; m <= intervals; ++m) {
    const PhaseKnot& knot = voice.knots[segment.first_knot + std::min(m, intervals - 1)];
    Lines& own = knots_[m].own;
    own.count = count_of_harmonics(knot.slope, maximal_harmonics(sample_rate_hz_));
    own.re.assign(padded(own.count), 0.0f);
    own.im.assign(padded(own.count), 0.0f);
  }
  for (std::int64_t m = 0; m < intervals; ++m) {
    const PhaseKnot& knot = voice.knots[segment.first_knot + m];
    const PhaseGrid& grid = grid_of_lines(std::max(knots_[m].own.count, knots_[m + 1].own.count));
    const float* const from = waveform + (segment.first_knot + m) * spacing_;
    std::copy(from, from + spacing_, interval_.begin());
    SINGERPRINT_LANES(spread_to_grid_lanes)
    (interval_.data(), spacing_, rising_window_.data(), interval_phase(knot.source, knot, 0.0, 1.0), grid_kernel(),
     grid.points, work_.data(), weights_.data());
    SINGERPRINT_LANES(sum_rows_lanes)
    (weights_.data(), grid.half, grid.cosine_of_point.data(), grid.sine_of_point.data(), grid.stride, sums_.data());
    const auto add = [&](Lines& to, int half, bool alone) {
      const float *const re = sums_.data() + half * grid.stride, *const im = re + 2 * grid.stride;
      const float share = share_of_interval(spacing_, alone);
      for (std::int32_t k = 0; k < to.count; ++k) {
        to.re[k] += share * grid.correction[k] * re[k];
        to.im[k] -= share * grid.correction[k] * im[k];
      }
    };
    add(knots_[m].own, 0, m == 0);
    add(knots_[m + 1].own, 1, m + 1 == intervals);
  }
}

// The wanted lines of a knot from its own.
void HarmonicRemap::remap(Knot& knot, double ratio, double formant_ratio) {
  Lines &own = knot.own, &wanted = knot.wanted;
  const std::int32_t last = own.count - 1;
  level_.resize(padded(own.count));
  slope_.assign(level_.size(), 0.0f);
  unit_re_.resize(level_.size());
  unit_im_.resize(level_.size());
  SINGERPRINT_LANES(split_harmonics_lanes)
  (own.re.data(), own.im.data(), own.count, level_.data(), unit_re_.data(), unit_im_.data());
  SINGERPRINT_LANES(inner_slopes_lanes)(level_.data(), own.count, slope_.data());
  for (const std::int32_t end : {0, last}) slope_[end] = envelope_slope(level_.data(), own.count, end);
  const std::size_t size = padded(wanted.count);
  wanted_level_.assign(size, 0.0f);
  wanted.re.assign(size, 0.0f);
  wanted.im.assign(size, 0.0f);
  const auto step = static_cast<float>(ratio / formant_ratio);
  for (std::int32_t k = 0; k < wanted.count; ++k) {
    wanted_level_[k] = envelope_at_line(level_.data(), slope_.data(), own.count, k, step);
  }
  const auto last_angle_for = [&](const std::vector<float>& from, std::vector<float>& to) {
    to.assign(size, from[last]);
    std::copy_n(from.begin(), std::min(own.count, wanted.count), to.begin());
  };
  last_angle_for(unit_re_, wanted_unit_re_);
  last_angle_for(unit_im_, wanted_unit_im_);
  SINGERPRINT_LANES(join_harmonics_lanes)
  (wanted_level_.data(), wanted_unit_re_.data(), wanted_unit_im_.data(), wanted.count, wanted.re.data(),
   wanted.im.data());
}

// What the lines of two knots sum to between them.
void HarmonicRemap::sum_lines(const Lines& first, const Lines& second, const IntervalPhase& phase, float* sum) {
  const std::int32_t lines = std::max(first.count, second.count);
  const PhaseGrid& grid = grid_of_lines(lines);
  std::fill_n(weights_.begin(), 4 * lines, 0.0f);
  const auto correct = [&](const std::vector<float>& from, std::int32_t count, int row) {
    for (std::int32_t k = 0; k < count; ++k) weights_[row * lines + k] = grid.correction[k] * from[k];
  };
  correct(first.re, first.count, 0);
  correct(second.re, second.count, 1);
  correct(first.im, first.count, 2);
  correct(second.im, second.count, 3);
  SINGERPRINT_LANES(sum_rows_lanes)
  (weights_.data(), lines, grid.cosine.data(), grid.sine.data(), grid.half, sums_.data());
  SINGERPRINT_LANES(unfold_table_lanes)(sums_.data(), grid.points, table_.data());
  SINGERPRINT_LANES(read_table_lanes)
  (table_.data(), grid.points, spacing_, rising_window_.data(), phase, grid_kernel(), sum);
}

// Held here: the cache behind it is shared by all threads.
const PhaseGrid& HarmonicRemap::grid_of_lines(std::int32_t lines) {
  const auto index = static_cast<std::size_t>(lines);
  if (grids_.size() <= index) grids_.resize(index + 1);
  if (grids_[index] != nullptr) return *grids_[index];
  grids_[index] = phase_grid(lines);
  const auto points = static_cast<std::size_t>(grids_[index]->points);
  const auto table = static_cast<std::size_t>(2 * grid_table_length(grids_[index]->points));
  if (table_.size() < table) {
    work_.resize(static_cast<std::size_t>(grid_work_floats(grids_[index]->points)));
    table_.resize(table);
    weights_.resize(4 * points);
    sums_.resize(4 * points);
  }
  return *grids_[index];
}

}  // namespace singerprint
