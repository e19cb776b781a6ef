#include "dsp/power_spectrum.h"

#include <utility>

#include "dsp/twiddle.h"
#include "dsp/window.h"

namespace singerprint {
namespace {}  // namespace

PowerSpectrum::PowerSpectrum(std::int64_t n_fft) : PowerSpectrum(hann_window(n_fft), n_fft) {}

PowerSpectrum::PowerSpectrum(std::vector<double> window, std::int64_t length)
    : n_fft_(static_cast<std::int64_t>(window.size())), window_(std::move(window)) {
  if (has_lanes(n_fft_)) {
    make_tables(length);
  } else if (SmoothPower::is_possible(n_fft_)) {
    smooth_ = std::make_unique<SmoothPower>(window_);
  } else {
    plan_ = std::make_unique<RfftPlan>(n_fft_);
  }
}

void PowerSpectrum::make_tables(std::int64_t length) {
  const std::int64_t half = n_fft_ / 2, inner = half / kOuterRadix;
  for (const double weight : window_) half_window_.push_back(static_cast<float>(0.5 * weight));
  for (std::int64_t column = 0; column < inner; ++column) {
    for (std::int64_t block = 1; block < kOuterRadix; ++block) push_twiddle(outer_, column * block, half);
  }
  for (std::int64_t block = 0; block <= kOuterRadix / 2; ++block) {
    for (std::int64_t i = 0; i < inner; ++i) push_twiddle(untangle_, block + kOuterRadix * i, n_fft_);
  }
  tables_.inner = static_cast<std::int32_t>(inner);
  tables_.rows = static_cast<std::int32_t>((length - 1) / (2 * inner) + 1);
  // Eights as long as eights and fours can finish, else fours; a three last.
  for (std::int64_t size = inner; size > 1;) {
    const std::int64_t twos = size % 3 == 0 ? size / 3 : size;
    const std::int64_t radix = twos == 1 ? 3 : twos == 8 || twos >= 32 ? 8 : 4;
    std::vector<float>& twiddles = inner_[tables_.passes];
    for (std::int64_t p = 0; p < size / radix; ++p) {
      for (std::int64_t i = 1; i < radix; ++i) push_twiddle(twiddles, p * i, size);
    }
    tables_.inner_twiddles[tables_.passes] = twiddles.data();
    tables_.radix[tables_.passes++] = static_cast<std::int32_t>(radix);
    size /= radix;
  }
  tables_.half_window = half_window_.data();
  tables_.outer_twiddles = outer_.data();
  tables_.untangle_twiddles = untangle_.data();
}

int PowerSpectrum::frames_at_once() { return SINGERPRINT_LANES(lane_count)(); }

PowerSpectrum::Worker::Worker(const PowerSpectrum& spectrum) : spectrum_(spectrum) {
  const std::int64_t half = spectrum.n_fft_ / 2, lanes = frames_at_once();
  power_ = AlignedFloats((half + 1) * lanes);
  if (spectrum.smooth_ != nullptr) {
    smooth_ = std::make_unique<SmoothPower::Worker>(*spectrum.smooth_);
  } else if (spectrum.plan_ == nullptr) {
    work_ = AlignedFloats(SINGERPRINT_LANES(power_spectrum_work_floats)(spectrum.tables_));
  } else {
    plan_ = std::make_unique<RfftPlan>(*spectrum.plan_);
    windowed_.resize(static_cast<std::size_t>(spectrum.n_fft_));
    bins_.resize(static_cast<std::size_t>(half + 1));
  }
}

const float* PowerSpectrum::Worker::operator()(const float* const* frames) {
  if (smooth_ != nullptr) {
    (*smooth_)(frames, power_.data());
  } else if (plan_ == nullptr) {
    SINGERPRINT_LANES(power_spectrum_lanes)(spectrum_.tables_, frames, work_.data(), power_.data());
  } else {
    frame_by_frame(frames);
  }
  return power_.data();
}

const float* PowerSpectrum::Worker::autocorrelation(const float* const* frames, std::int32_t lags) {
  SINGERPRINT_LANES(power_spectrum_lanes)(spectrum_.tables_, frames, work_.data(), power_.data());
  SINGERPRINT_LANES(autocorrelation_lanes)(spectrum_.tables_, lags, work_.data(), power_.data());
  return power_.data();
}

void PowerSpectrum::Worker::frame_by_frame(const float* const* frames) {
  const auto lanes = static_cast<std::size_t>(frames_at_once());
  for (std::size_t frame = 0; frame < lanes; ++frame) {
    for (std::size_t n = 0; n < windowed_.size(); ++n) windowed_[n] = spectrum_.window_[n] * frames[frame][n];
    plan_->forward(windowed_.data(), bins_.data());
    for (std::size_t k = 0; k < bins_.size(); ++k) {
      power_.data()[k * lanes + frame] = static_cast<float>(std::norm(bins_[k]));
    }
  }
}

}  // namespace singerprint
