#include "dsp/pitch_track.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "dsp/pitch_candidates.h"

namespace singerprint {
namespace {

constexpr double kWantedRateHz = 11025.0;

double sinc(double x) { return x == 0.0 ? 1.0 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

// Hamming-windowed sinc, flat to 0.42 of the decimated rate less its transition; its middle tap lies on a sample.
std::vector<float> low_pass_of(std::int32_t decimation) {
  const int half = kLowPassHalf * decimation;
  std::vector<double> taps;
  double sum = 0.0;
  for (int n = -half; n <= half; ++n) {
    const double hamming = 0.54 + 0.46 * std::cos(std::numbers::pi * n / half);
    taps.push_back(hamming * sinc(0.84 * n / decimation));
    sum += taps.back();
  }
  std::vector<float> result;
  for (const double tap : taps) result.push_back(decimation == 1 ? (tap == taps[half]) : static_cast<float>(tap / sum));
  return result;
}

std::vector<float> peak_weights_of() {
  std::vector<float> weights;
  for (int phase = -kPeakReach; phase <= kPeakReach; ++phase) {
    for (int tap = -kPeakHalfTaps; tap <= kPeakHalfTaps; ++tap) {
      const double distance = static_cast<double>(phase) / kPeakSteps - tap;
      const double hann = 0.5 + 0.5 * std::cos(std::numbers::pi * distance / (kPeakHalfTaps + 1));
      weights.push_back(static_cast<float>(sinc(distance) * hann));
    }
  }
  return weights;
}

}  // namespace

PitchTables pitch_tables(double sample_rate_hz, std::int64_t hop_length, double min_hz, double max_hz) {
  PitchTables tables;
  PitchPlan& plan = tables.plan;
  plan.sample_rate_hz = sample_rate_hz;
  plan.decimation = std::max(1, static_cast<std::int32_t>(std::lround(sample_rate_hz / kWantedRateHz)));
  plan.decimated_rate_hz = sample_rate_hz / plan.decimation;
  plan.min_hz = static_cast<float>(min_hz);
  plan.max_hz = static_cast<float>(max_hz);
  plan.hop_length = hop_length;
  plan.lags = static_cast<std::int32_t>(plan.decimated_rate_hz / min_hz) + 2 + kPeakHalfTaps;
  // Above 550 Hz three periods are less than twice the lags that the search for a peak reads.
  plan.window_length = std::max(static_cast<std::int32_t>(3.0 * plan.decimated_rate_hz / min_hz) & ~1, 2 * plan.lags);
  plan.shortest_lag = std::max(2, static_cast<std::int32_t>(plan.decimated_rate_hz / max_hz) - 1);
  plan.transition_factor = static_cast<float>(0.01 * sample_rate_hz / static_cast<double>(hop_length));
  tables.low_pass = low_pass_of(plan.decimation);
  std::vector<double> window;
  for (int n = 0; n < plan.window_length; ++n) {
    window.push_back(0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * (n + 0.5) / plan.window_length));
    tables.window.push_back(static_cast<float>(window.back()));
  }
  double energy = 0.0;
  for (int lag = 0; lag < plan.lags; ++lag) {
    double sum = 0.0;
    for (int n = 0; n + lag < plan.window_length; ++n) sum += window[n] * window[n + lag];
    if (lag == 0) energy = sum;
    tables.inverse_window_ac.push_back(static_cast<float>(energy / sum));
  }
  tables.peak_weights = peak_weights_of();
  return tables;
}

std::vector<float> flattened(const PitchTables& tables) {
  std::vector<float> all;
  for (const auto* part : {&tables.low_pass, &tables.window, &tables.inverse_window_ac, &tables.peak_weights}) {
    all.insert(all.end(), part->begin(), part->end());
  }
  return all;
}

PitchTableView pitch_table_view(const PitchPlan& plan, const float* flat) {
  const float* const window = flat + 2 * kLowPassHalf * plan.decimation + 1;
  const float* const inverse_window_ac = window + plan.window_length;
  return {plan, flat, window, inverse_window_ac, inverse_window_ac + plan.lags};
}

void PitchTracker::operator()(const float* waveform, std::int64_t samples, float* hz) {
  const PitchPlan& plan = tables_.plan;
  const std::int64_t count = decimated_samples(plan, samples), frames = pitch_frames(plan, samples);
  const std::int64_t margin = plan.window_length;
  padded_.assign(static_cast<std::size_t>(count + 2 * margin + 1), 0.0f);
  const std::int64_t lanes = SINGERPRINT_LANES(pitch_lane_count)();
  work_.resize(static_cast<std::size_t>(std::max(SINGERPRINT_LANES(decimate_work_floats)(plan.decimation),
                                                 (plan.window_length + plan.lags + 16) * lanes)));
  SINGERPRINT_LANES(decimate_lanes)
  (waveform, samples, tables_.low_pass.data(), plan.decimation, count, work_.data(), padded_.data() + margin);
  find_candidates(frames);

  std::vector<float> totals(kPitchCandidates), next(kPitchCandidates);
  std::vector<std::int8_t> predecessors(static_cast<std::size_t>(frames * kPitchCandidates));
  int previous_count = 0;
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    const PitchCandidate* const here = candidates_.data() + frame * kPitchCandidates;
    const int n = count_of_candidates(here);
    for (int c = 0; c < n; ++c) {
      next[c] = frame == 0 ? here[c].strength
                           : best_predecessor(here - kPitchCandidates, previous_count, totals.data(), here[c],
                                              plan.transition_factor, &predecessors[frame * kPitchCandidates + c]);
    }
    std::swap(totals, next);
    previous_count = n;
  }
  std::int64_t best = std::max_element(totals.begin(), totals.begin() + previous_count) - totals.begin();
  for (std::int64_t frame = frames - 1; frame >= 0; --frame) {
    hz[frame] = candidates_[frame * kPitchCandidates + best].hz;
    best = predecessors[frame * kPitchCandidates + best];
  }
}

void PitchTracker::find_candidates(std::int64_t frames) {
  const PitchPlan& plan = tables_.plan;
  const std::int64_t lanes = SINGERPRINT_LANES(pitch_lane_count)(), groups = (frames + lanes - 1) / lanes;
  const std::int64_t size = lanes * plan.lags;
  autocorrelations_.resize(static_cast<std::size_t>(groups * size));
  peaks_.resize(static_cast<std::size_t>(groups * lanes));
  std::vector<const float*> pointers(static_cast<std::size_t>(lanes));
  const std::int64_t decimated = static_cast<std::int64_t>(padded_.size()) - 2 * plan.window_length - 1;
  for (std::int64_t group = 0; group < groups; ++group) {
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const std::int64_t frame = std::min(group * lanes + lane, frames - 1);
      pointers[lane] = padded_.data() + plan.window_length + first_of_frame(plan, frame, decimated);
    }
    SINGERPRINT_LANES(autocorrelation_lanes)
    (pointers.data(), tables_.window.data(), plan.window_length, plan.lags, work_.data(),
     autocorrelations_.data() + group * size, peaks_.data() + group * lanes);
  }
  const float loudest = *std::max_element(peaks_.begin(), peaks_.end());
  candidates_.assign(static_cast<std::size_t>(frames * kPitchCandidates), PitchCandidate{});
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    const std::int64_t group = frame / lanes, lane = frame % lanes;
    find_pitch_candidates(plan, autocorrelations_.data() + group * size + lane, lanes, tables_.inverse_window_ac.data(),
                          tables_.peak_weights.data(), loudest > 0.0f ? peaks_[frame] / loudest : 0.0f,
                          candidates_.data() + frame * kPitchCandidates);
  }
}

}  // namespace singerprint
