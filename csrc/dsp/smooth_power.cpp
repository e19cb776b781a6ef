#include "dsp/smooth_power.h"

#include "dsp/twiddle.h"

namespace singerprint {

bool SmoothPower::is_possible(std::int64_t n_fft) {
  constexpr std::int64_t kSmallest = 16;  // lanes take eight complex numbers at once
  return n_fft >= kSmallest && n_fft % 2 == 0 && LaneFourier::is_possible(n_fft / 2);
}

SmoothPower::SmoothPower(const std::vector<double>& window) : fourier_(static_cast<std::int32_t>(window.size() / 2)) {
  const std::int32_t half = fourier_.size();
  for (const double weight : window) half_window_.push_back(static_cast<float>(0.5 * weight));
  for (std::int32_t k = 0; k <= half / 2; ++k) push_twiddle(twiddles_, k, 2 * half);
  for (std::int32_t k = 0; k <= half; ++k) places_.push_back(*FourierPlace::of_bin(fourier_.tables(), k % half));
  tables_ = {fourier_.tables(), half, half_window_.data(), twiddles_.data(), places_.data()};
}

SmoothPower::Worker::Worker(const SmoothPower& spectrum) : spectrum_(spectrum) {
  const std::int64_t lanes = SINGERPRINT_LANES(fourier_lane_count)();
  numbers_ = AlignedFloats(2 * lanes * spectrum.fourier_.places());
  work_ = AlignedFloats(2 * lanes * spectrum.fourier_.work_numbers());
}

void SmoothPower::Worker::operator()(const float* const* frames, float* power) {
  SINGERPRINT_LANES(smooth_power_lanes)(spectrum_.tables_, frames, numbers_.data(), work_.data(), power);
}

}  // namespace singerprint
