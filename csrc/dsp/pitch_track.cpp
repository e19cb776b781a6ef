#include "dsp/pitch_track.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

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
  std::vector<float> weights(kPeakTaps * kPeakRow);
  for (int phase = -kPeakReach; phase <= kPeakReach; ++phase) {
    for (int tap = -kPeakHalfTaps; tap <= kPeakHalfTaps; ++tap) {
      const double distance = static_cast<double>(phase) / kPeakSteps - tap;
      const double hann = 0.5 + 0.5 * std::cos(std::numbers::pi * distance / (kPeakHalfTaps + 1));
      weights[(tap + kPeakHalfTaps) * kPeakRow + phase + kPeakReach] = static_cast<float>(sinc(distance) * hann);
    }
  }
  return weights;
}

// With so many zeros behind the window that no lag wraps around.
std::shared_ptr<const PowerSpectrum> spectrum_of(const PitchPlan& plan, std::vector<double> window) {
  std::int64_t n_fft = plan.window_length + plan.lags;
  while (!has_lanes(n_fft)) ++n_fft;
  const auto length = static_cast<std::int64_t>(window.size());
  window.resize(static_cast<std::size_t>(n_fft), 0.0);
  return std::make_shared<const PowerSpectrum>(std::move(window), length);
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
  tables.spectrum = spectrum_of(plan, std::move(window));
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

PitchTracker::PitchTracker(const PitchTables& tables)
    : tables_(tables),
      spectrum_(*tables.spectrum),
      decimate_work_(SINGERPRINT_LANES(decimate_work_floats)(tables.plan.decimation)) {
  const std::int64_t lanes = PowerSpectrum::frames_at_once(), lags = tables.plan.lags;
  // One cache line apart from a power of two, or the frames would meet in a few sets of the cache.
  const std::int64_t distance = tables.spectrum->n_fft() + 16;
  centred_ = AlignedFloats(lanes * distance);
  for (std::int64_t lane = 0; lane < lanes; ++lane) centred_frames_.push_back(centred_.data() + lane * distance);
  peak_work_ = AlignedFloats((kPeakHalfTaps + lags) * lanes);
  found_.resize(static_cast<std::size_t>(lags / 2 * lanes));
}

void PitchTracker::operator()(const float* waveform, std::int64_t samples, float* hz) {
  const PitchPlan& plan = tables_.plan;
  const std::int64_t count = decimated_samples(plan, samples), frames = pitch_frames(plan, samples);
  const std::int64_t margin = plan.window_length;
  padded_.assign(static_cast<std::size_t>(count + 2 * margin + 1), 0.0f);
  SINGERPRINT_LANES(decimate_lanes)
  (waveform, samples, tables_.low_pass.data(), plan.decimation, count, decimate_work_.data(), padded_.data() + margin);
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
  peaks_.resize(static_cast<std::size_t>(frames));
  candidates_.assign(static_cast<std::size_t>(frames * kPitchCandidates), PitchCandidate{});
  const std::int64_t at_once = PowerSpectrum::frames_at_once();
  for (std::int64_t first = 0; first < frames; first += at_once) {
    find_candidates_of_group(first, std::min(at_once, frames - first));
  }
  const float loudest = *std::max_element(peaks_.begin(), peaks_.end());
  for (std::int64_t frame = 0; frame < frames; ++frame) {
    finish_candidates(peaks_[frame], loudest, candidates_.data() + frame * kPitchCandidates);
  }
}

// All but the unvoiced ones, of `count` frames. The lanes beyond them keep what they had.
void PitchTracker::find_candidates_of_group(std::int64_t first, std::int64_t count) {
  const PitchPlan& plan = tables_.plan;
  const std::int64_t decimated = static_cast<std::int64_t>(padded_.size()) - 2 * plan.window_length - 1;
  for (std::int64_t lane = 0; lane < count; ++lane) {
    const float* const frame = padded_.data() + plan.window_length + first_of_frame(plan, first + lane, decimated);
    peaks_[first + lane] = SINGERPRINT_LANES(centre_frame_lanes)(frame, plan.window_length, centred_frames_[lane]);
  }
  const float* const ac = spectrum_.autocorrelation(centred_frames_.data(), plan.lags);
  const std::int32_t found =
      SINGERPRINT_LANES(pitch_peaks_lanes)(ac, tables_.inverse_window_ac.data(), tables_.peak_weights.data(),
                                           plan.shortest_lag, plan.lags, peak_work_.data(), found_.data());
  std::array<int, kPeakRow> counts;
  counts.fill(1);
  for (std::int32_t i = 0; i < found; ++i) {
    const PitchPeak& peak = found_[i];
    PitchCandidate candidate;
    if (peak.lane >= count || !candidate_of_peak(plan, peak_of_heights(peak.lag, peak.heights), &candidate)) continue;
    PitchCandidate* const candidates = candidates_.data() + (first + peak.lane) * kPitchCandidates;
    counts[peak.lane] = keep_candidate(candidates, counts[peak.lane], candidate);
  }
}

}  // namespace singerprint
