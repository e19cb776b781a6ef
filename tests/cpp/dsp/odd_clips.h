// Clips that a voice's renderer must survive.
#pragma once
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "sung_tone.h"

namespace singerprint {

inline std::vector<float> noise(std::size_t samples, float level, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> waveform(samples);
  for (float& sample : waveform) sample = level * normal(generator);
  return waveform;
}

inline bool all_finite(const std::vector<float>& waveform) {
  for (const float sample : waveform) {
    if (!std::isfinite(sample)) return false;
  }
  return true;
}

// Everything that a data set may hold, and more.
inline std::vector<std::vector<float>> odd_clips(double rate, std::mt19937& generator) {
  std::uniform_int_distribution<std::int64_t> length(1, static_cast<std::int64_t>(0.25 * rate));
  const auto some = [&] { return length(generator); };
  const auto twenty = static_cast<std::int64_t>(rate / 20.0);
  std::vector<std::vector<float>> clips{{}, {0.5f}, steady_tone(220.0, rate, twenty)};
  for (const double hz : {65.0, 199.0, 201.0, 1400.0}) clips.push_back(steady_tone(hz, rate, some()));
  clips.push_back(noise(static_cast<std::size_t>(some()), 0.1f, generator()));
  clips.emplace_back(static_cast<std::size_t>(some()), 0.7f);
  std::vector<float> clicks(static_cast<std::size_t>(some()), 0.0f), creak(clicks.size(), 0.0f);
  for (int i = 0; i < 5; ++i) clicks[generator() % clicks.size()] = 1.0f;
  for (std::size_t n = 0; n < creak.size();
       n += static_cast<std::size_t>(rate / 30.0) + generator() % static_cast<unsigned>(rate / 90.0)) {
    creak[n] = 1.0f;
  }
  clips.push_back(clicks);
  clips.push_back(creak);
  std::vector<float> jumps;  // another pitch every 30 ms
  for (int note = 0; note < 8; ++note) {
    const auto piece =
        steady_tone(80.0 + static_cast<double>(generator() % 1300), rate, static_cast<std::int64_t>(0.03 * rate));
    jumps.insert(jumps.end(), piece.begin(), piece.end());
  }
  clips.push_back(jumps);
  for (const float level : {1e30f, 1e17f, 1e-12f, 1e-22f, 1e-42f}) {
    clips.push_back(steady_tone(250.0, rate, some()));
    for (float& sample : clips.back()) sample *= 5.0f * level;
  }
  return clips;
}

}  // namespace singerprint
