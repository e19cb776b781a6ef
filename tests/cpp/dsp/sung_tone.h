// Tones with harmonics for the tests of pitch: what a voice is to a tracker, with nothing random in it.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numbers>
#include <vector>

namespace singerprint {

// x[n] = 0.2 sum_k cos(2 pi k phase[n]) / k, harmonics below a third of the sample rate; phase in cycles.
inline std::vector<float> sung_tone(const std::vector<double>& phase, double highest_hz, double sample_rate_hz) {
  const int harmonics = std::max(1, static_cast<int>(sample_rate_hz / 3.0 / highest_hz));
  std::vector<float> waveform;
  for (const double cycles : phase) {
    double sum = 0.0;
    for (int k = 1; k <= harmonics; ++k) sum += std::cos(2.0 * std::numbers::pi * k * cycles) / k;
    waveform.push_back(static_cast<float>(0.2 * sum));
  }
  return waveform;
}

// The integral of a frequency, in cycles, at every sample.
inline std::vector<double> phase_of(const std::function<double(double)>& hz_at_seconds, double sample_rate_hz,
                                    std::int64_t samples) {
  std::vector<double> phase;
  double cycles = 0.0;
  for (std::int64_t n = 0; n < samples; ++n) {
    phase.push_back(cycles);
    cycles += hz_at_seconds((static_cast<double>(n) + 0.5) / sample_rate_hz) / sample_rate_hz;
  }
  return phase;
}

inline std::vector<float> steady_tone(double hz, double sample_rate_hz, std::int64_t samples) {
  return sung_tone(phase_of([=](double) { return hz; }, sample_rate_hz, samples), hz, sample_rate_hz);
}

}  // namespace singerprint
