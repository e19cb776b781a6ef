#include "dsp/voice.h"

#include "core/lane.h"
#include "core/turns.h"
#include "dsp/voice_steps.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

SINGERPRINT_LANE_INLINE float sum_of(Lane lane) {
  float sum = 0.0f;
  for (int i = 0; i < kLanes; ++i) sum += lane.v[i];
  return sum;
}

// The first `count` lanes of what is there, zeros beyond.
SINGERPRINT_LANE_INLINE Lane load_some(const float* from, std::int64_t count) {
  if (count >= kLanes) return Lane::load(from);
  Lane lane(0.0f);
  for (std::int64_t i = 0; i < count; ++i) lane.v[i] = from[i];
  return lane;
}
SINGERPRINT_LANE_INLINE void store_some(Lane lane, float* to, std::int64_t count) {
  if (count >= kLanes) return lane.store(to);
  for (std::int64_t i = 0; i < count; ++i) to[i] = lane.v[i];
}

}  // namespace

void demodulate_lanes(const float* y, std::int64_t count, std::int32_t decimation, const PhaseKnot& knot,
                      float* demodulated, std::int64_t distance, float* moment) {
  const Lane phase(part_of_turn(knot.source)), slope(knot.slope), curve(knot.curve);
  Lane moment_re(0.0f), moment_im(0.0f);
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const Lane t = ramp(static_cast<float>(i)) * Lane(static_cast<float>(decimation));
    const Phasor<Lane> unit = phasor_of_track(phase, slope, curve, t);
    const Lane sample = load_some(y + i, count - i);
    Phasor<Lane> z{sample * unit.re, sample * unit.im};
    moment_re = multiply_add(sample, z.re, moment_re);
    moment_im = multiply_add(sample, z.im, moment_im);
    for (int h = 0; h < kLockHarmonics; ++h) {
      store_some(z.re, demodulated + 2 * h * distance + i, count - i);
      store_some(z.im, demodulated + (2 * h + 1) * distance + i, count - i);
      z = times(z, unit);
    }
  }
  moment[0] += sum_of(moment_re);
  moment[1] += sum_of(moment_im);
}

void window_sums_lanes(const float* rows, std::int64_t distance, std::int64_t begin, std::int64_t end,
                       std::int64_t centre, std::int64_t half, float* sums) {
  const Lane quarter_turns(0.5f / static_cast<float>(half));
  Lane totals[2 * kLockHarmonics];
  for (Lane& total : totals) total = Lane(0.0f);
  for (std::int64_t i = begin; i < end; i += kLanes) {
    // hann(u) = cos(pi u / 2)^2; beyond `end` the rows are cut off, whatever the window there.
    const Lane cosine = cosine_of_half_turns(ramp(static_cast<float>(i - centre)) * quarter_turns);
    const Lane weight = cosine * cosine;
    for (int row = 0; row < 2 * kLockHarmonics; ++row) {
      totals[row] = multiply_add(weight, load_some(rows + row * distance + i, end - i), totals[row]);
    }
  }
  for (int row = 0; row < 2 * kLockHarmonics; ++row) sums[row] = sum_of(totals[row]);
}

}  // namespace singerprint::SINGERPRINT_ISA
