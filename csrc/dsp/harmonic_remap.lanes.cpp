#include "dsp/harmonic_remap.h"

#include "core/lane.h"
#include "core/turns.h"
#include "dsp/lane_exp2.h"
#include "dsp/lane_log.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

constexpr int kGroups = 4;  // of kLanes harmonics at once: their sums stay in registers

SINGERPRINT_LANE_INLINE Phasor<Lane> multiply_add(Phasor<Lane> a, Phasor<Lane> b, Phasor<Lane> c) {
  return {multiply_add(a.re, b.re, multiply_add(-a.im, b.im, c.re)),
          multiply_add(a.im, b.re, multiply_add(a.re, b.im, c.im))};
}

SINGERPRINT_LANE_INLINE Lane real_part(Phasor<Lane> a, Phasor<Lane> b) { return a.re * b.re - a.im * b.im; }

// kCount groups of harmonics from `first` on, which is 1 or one beyond a whole number of groups.
template <int kCount>
void analyse_groups(const float* waveform, std::int64_t spacing, const float* rising_window, const float* cycles,
                    const float* step_re, const float* step_im, std::int32_t first, float* falling_re,
                    float* falling_im, float* rising_re, float* rising_im) {
  Lane fall_re[kCount], fall_im[kCount], rise_re[kCount], rise_im[kCount];
  for (int g = 0; g < kCount; ++g) fall_re[g] = fall_im[g] = rise_re[g] = rise_im[g] = Lane(0.0f);
  const Lane numbers = ramp(static_cast<float>(first));
  for (std::int64_t n = 0; n < spacing; ++n) {
    Phasor<Lane> z = phasor_of_turns(numbers * Lane(-cycles[n]));
    const Phasor<Lane> turn{Lane(step_re[n]), Lane(step_im[n])};
    const Lane rise(waveform[n] * rising_window[n]), fall(waveform[n] - waveform[n] * rising_window[n]);
#pragma GCC unroll 4
    for (int g = 0; g < kCount; ++g) {
      fall_re[g] = multiply_add(fall, z.re, fall_re[g]);
      fall_im[g] = multiply_add(fall, z.im, fall_im[g]);
      rise_re[g] = multiply_add(rise, z.re, rise_re[g]);
      rise_im[g] = multiply_add(rise, z.im, rise_im[g]);
      if (g + 1 < kCount) z = times(z, turn);
    }
  }
  for (int g = 0; g < kCount; ++g) {
    (Lane::load(falling_re + g * kLanes) + fall_re[g]).store(falling_re + g * kLanes);
    (Lane::load(falling_im + g * kLanes) + fall_im[g]).store(falling_im + g * kLanes);
    (Lane::load(rising_re + g * kLanes) + rise_re[g]).store(rising_re + g * kLanes);
    (Lane::load(rising_im + g * kLanes) + rise_im[g]).store(rising_im + g * kLanes);
  }
}

// The phase at samples n, n + 1 ... of an interval.
SINGERPRINT_LANE_INLINE Lane phase_from(const IntervalPhase& phase, std::int64_t n) {
  return phase_at(phase, ramp(static_cast<float>(n)));
}

}  // namespace

void analyse_harmonics_lanes(const float* waveform, std::int64_t spacing, const float* rising_window,
                             const IntervalPhase& phase, std::int32_t harmonics, float* work, float* falling,
                             float* rising) {
  // exp(-2 pi i kLanes s): the turn from one group of harmonics to the next.
  float* const cycles = work;
  float* const step_re = cycles + spacing + kLanes;
  float* const step_im = step_re + spacing + kLanes;
  for (std::int64_t n = 0; n < spacing; n += kLanes) {
    const Lane here = within_half_a_turn(phase_from(phase, n));
    const Phasor<Lane> step = phasor_of_turns(here * Lane(-static_cast<float>(kLanes)));
    here.store(cycles + n);
    step.re.store(step_re + n);
    step.im.store(step_im + n);
  }
  const std::int32_t padded = (harmonics + kLanes - 1) / kLanes * kLanes;
  for (std::int32_t k = 0; k < padded; k += kGroups * kLanes) {
    const std::int32_t groups = (padded - k) / kLanes;
    const auto analyse = groups >= 4   ? analyse_groups<4>
                         : groups == 3 ? analyse_groups<3>
                         : groups == 2 ? analyse_groups<2>
                                       : analyse_groups<1>;
    analyse(waveform, spacing, rising_window, cycles, step_re, step_im, k + 1, falling + k, falling + padded + k,
            rising + k, rising + padded + k);
  }
}

void split_harmonics_lanes(const float* re, const float* im, std::int32_t harmonics, float* log2_level, float* unit_re,
                           float* unit_im) {
  constexpr float kSmallest = 1e-30f, kHalfOverLn2 = 0.72134752f;
  for (std::int32_t k = 0; k < harmonics; k += kLanes) {
    const Lane x = Lane::load(re + k), y = Lane::load(im + k);
    const Lane power = multiply_add(x, x, y * y) + Lane(kSmallest);
    const Lane inverse = Lane(1.0f) / sqrt(power);
    (log(power) * Lane(kHalfOverLn2)).store(log2_level + k);
    (x * inverse).store(unit_re + k);
    (y * inverse).store(unit_im + k);
  }
}

void join_harmonics_lanes(const float* log2_level, const float* unit_re, const float* unit_im, std::int32_t harmonics,
                          float* re, float* im) {
  for (std::int32_t k = 0; k < harmonics; k += kLanes) {
    const Lane level = exp2(Lane::load(log2_level + k));
    (level * Lane::load(unit_re + k)).store(re + k);
    (level * Lane::load(unit_im + k)).store(im + k);
  }
}

void sum_harmonics_lanes(const float* coefficients, std::int32_t harmonics, std::int64_t spacing,
                         const float* rising_window, const IntervalPhase& phase, float* sum) {
  constexpr int kVectors = 2;  // at once: one alone would wait for its own multiplications
  for (std::int64_t n = 0; n < spacing; n += kVectors * kLanes) {
    Phasor<Lane> z[kVectors], first[kVectors], second[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      z[v] = phasor_of_turns(phase_from(phase, n + v * kLanes));
      first[v] = second[v] = {Lane(0.0f), Lane(0.0f)};
    }
    for (const float* c = coefficients + 4 * (harmonics - 1); c >= coefficients; c -= 4) {  // Horner
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        first[v] = multiply_add(first[v], z[v], {Lane(c[0]), Lane(c[1])});
        second[v] = multiply_add(second[v], z[v], {Lane(c[2]), Lane(c[3])});
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      const Lane from = real_part(first[v], z[v]), to = real_part(second[v], z[v]);
      const std::int64_t at = n + v * kLanes;
      multiply_add(to - from, Lane::load(rising_window + at), from).store(sum + at);
    }
  }
}

}  // namespace singerprint::SINGERPRINT_ISA
