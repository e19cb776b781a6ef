#include "dsp/psola.h"

#include "core/lane.h"
#include "core/turns.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

// cos^2(pi x / 2) of a distance in half-widths, 0 from 1 on: a Hann window.
SINGERPRINT_LANE_INLINE Lane hann(Lane distance) {
  const Lane cosine = cosine_of_half_turns(distance * Lane(0.5f));
  const FloatVector zero{};
  const Lane outside = max(distance, -distance);
  return Lane(outside.v < zero + 1.0f ? (cosine * cosine).v : zero);
}

SINGERPRINT_LANE_INLINE Lane grain_window(Lane u, const GrainShape& grain) {
  const FloatVector zero{};
  return hann(u * Lane(u.v < zero ? zero + 1.0f / grain.left : zero + 1.0f / grain.right)) * Lane(grain.gain);
}

std::int64_t floor_of(double x) {
  const auto truncated = static_cast<std::int64_t>(x);
  return truncated - (static_cast<double>(truncated) > x ? 1 : 0);
}

// Adds the lanes that lie before `end`.
SINGERPRINT_LANE_INLINE void add_lanes(Lane value, std::int64_t n, std::int64_t end, float* result) {
  if (n + kLanes <= end) {
    (Lane::load(result + n) + value).store(result + n);
  } else {
    for (std::int64_t i = 0; n + i < end; ++i) result[n + i] += value.v[i];
  }
}

// The waveform moved by a constant distance: one set of taps for all samples, between two rows of the table.
class Moved {
 public:
  Moved(const float* waveform, double distance, const float* sinc, std::int32_t taps) : taps_(taps) {
    const std::int64_t whole = floor_of(distance);
    const double position = (distance - static_cast<double>(whole)) * kSincPhases;
    // A distance that is less than 0 by next to nothing makes a position of kSincPhases: there is no row behind it.
    const int row = position < kSincPhases ? static_cast<int>(position) : kSincPhases - 1;
    const auto part = static_cast<float>(position - row);
    for (std::int32_t tap = 0; tap < taps; ++tap) {
      const float *const here = sinc + row * taps + tap, *const next = here + taps;
      weights_[tap] = *here + part * (*next - *here);
    }
    from_ = waveform + whole - (taps / 2 - 1);
  }
  SINGERPRINT_LANE_INLINE Lane operator()(std::int64_t n) const {
    Lane even(0.0f), odd(0.0f);
    for (std::int32_t tap = 0; tap < taps_; tap += 2) {
      even = multiply_add(Lane(weights_[tap]), Lane::load(from_ + n + tap), even);
      odd = multiply_add(Lane(weights_[tap + 1]), Lane::load(from_ + n + tap + 1), odd);
    }
    return even + odd;
  }

 private:
  std::int32_t taps_;
  const float* from_;
  float weights_[kMaximalSincTaps];
};

void add_shifted(const float* waveform, const GrainShape& grain, const float* sinc, std::int32_t taps,
                 std::int64_t begin, std::int64_t end, float* result) {
  const Moved moved(waveform, grain.source - grain.target, sinc, taps);
  const auto first = static_cast<float>(static_cast<double>(begin) - grain.target);
  for (std::int64_t n = begin; n < end; n += kLanes) {
    const Lane u = ramp(first + static_cast<float>(n - begin));
    add_lanes(moved(n) * grain_window(u, grain), n, end, result);
  }
}

// The waveform is read faster or slower: every sample has a row of its own.
void add_scaled(const float* waveform, const GrainShape& grain, const float* sinc, std::int32_t taps,
                std::int64_t begin, std::int64_t end, float* result) {
  for (std::int64_t n = begin; n < end; n += kLanes) {
    Lane value(0.0f), u;
    for (int i = 0; i < kLanes; ++i) {
      const double from_target = static_cast<double>(n + i) - grain.target;
      u.v[i] = static_cast<float>(from_target);
      if (n + i >= end) continue;
      const double at = grain.source + grain.formant_ratio * from_target;
      const std::int64_t whole = floor_of(at);
      const auto phase = static_cast<int>((at - static_cast<double>(whole)) * kSincPhases + 0.5);
      const float* const weights = sinc + phase * taps;
      const float* const from = waveform + whole - (taps / 2 - 1);
      float sum = 0.0f;
      for (std::int32_t tap = 0; tap < taps; ++tap) sum += weights[tap] * from[tap];
      value.v[i] = sum;
    }
    add_lanes(value * grain_window(u, grain), n, end, result);
  }
}

}  // namespace

void add_grain_lanes(const float* waveform, const GrainShape& grain, const float* sinc, std::int32_t taps,
                     std::int64_t begin, std::int64_t end, float* result) {
  if (grain.formant_ratio == 1.0f) {
    add_shifted(waveform, grain, sinc, taps, begin, end, result);
  } else {
    add_scaled(waveform, grain, sinc, taps, begin, end, result);
  }
}

void read_moved_lanes(const float* waveform, double distance, const float* sinc, std::int32_t taps, std::int64_t begin,
                      std::int64_t end, float* result) {
  const Moved moved(waveform, distance, sinc, taps);
  for (std::int64_t n = begin; n < end; n += kLanes) {
    const Lane value = moved(n);
    if (n + kLanes <= end) {
      value.store(result + n);
    } else {
      for (std::int64_t i = 0; n + i < end; ++i) result[n + i] = value.v[i];
    }
  }
}

void mute_segment_lanes(double first_mark, double first_period, double last_mark, double last_period,
                        std::int64_t samples, float* result) {
  const std::int64_t begin = floor_of(first_mark - first_period), end = floor_of(last_mark + last_period) + 1;
  const Lane before(static_cast<float>(-1.0 / first_period)), after(static_cast<float>(1.0 / last_period));
  for (std::int64_t n = begin < 0 ? 0 : begin; n < (end < samples ? end : samples); n += kLanes) {
    const Lane from_first = ramp(static_cast<float>(static_cast<double>(n) - first_mark));
    const Lane from_last = ramp(static_cast<float>(static_cast<double>(n) - last_mark));
    const Lane outside = max(max(from_first * before, from_last * after), Lane(0.0f));
    const Lane keep = Lane(1.0f) - hann(outside);
    for (std::int64_t i = 0; i < kLanes && n + i < samples; ++i) result[n + i] *= keep.v[i];
  }
}

}  // namespace singerprint::SINGERPRINT_ISA
