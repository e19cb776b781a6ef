#include "core/lane.h"
#include "augment/tanh_distortion.h"

namespace singerprint::SINGERPRINT_ISA {

// Found by soft_tanh<Lane> through its argument.
SINGERPRINT_LANE_INLINE Lane within_tanh_limit(Lane x) {
  const FloatVector limit = FloatVector{} + kTanhLimit;
  return Lane(x.v > limit ? limit : x.v < -limit ? -limit : x.v);
}

namespace {

double sum_of(Lane lanes) {
  double sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += static_cast<double>(lanes.v[lane]);
  return sum;
}

// kLanes samples; the squares are added to the sums.
SINGERPRINT_LANE_INLINE void squash(const float* from, Lane gain, float* to, Lane& before, Lane& after) {
  const Lane x = Lane::load(from), y = soft_tanh(gain * x);
  before = multiply_add(x, x, before);
  after = multiply_add(y, y, after);
  y.store(to);
}

}  // namespace

SumsOfSquares tanh_distortion_lanes(const float* waveform, float gain, std::int64_t samples, float* result) {
  constexpr std::int64_t kBlock = 64 * kLanes;  // no more squares than that are added in float
  SumsOfSquares sums = {0, 0};
  std::int64_t n = 0;
  while (n + kLanes <= samples) {
    Lane before = 0.0f, after = 0.0f;
    const std::int64_t end = n + kBlock < samples ? n + kBlock : samples;
    for (; n + kLanes <= end; n += kLanes) squash(waveform + n, gain, result + n, before, after);
    sums.before += sum_of(before);
    sums.after += sum_of(after);
  }
  if (n < samples) {
    float rest[kLanes] = {};
    const std::size_t rest_bytes = static_cast<std::size_t>(samples - n) * sizeof(float);
    std::memcpy(rest, waveform + n, rest_bytes);
    Lane before = 0.0f, after = 0.0f;
    squash(rest, gain, rest, before, after);
    std::memcpy(result + n, rest, rest_bytes);
    sums.before += sum_of(before);
    sums.after += sum_of(after);
  }
  return sums;
}

}  // namespace singerprint::SINGERPRINT_ISA
