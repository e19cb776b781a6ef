#include "augment/biquad_cascade.h"
#include "dsp/lane_transpose.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

using Section = BiquadSection<Lane>;
using State = BiquadState<Lane>;

// After the singing the states decay for ever: subnormal numbers, at which many a processor stumbles, count as 0
// meanwhile.
class FlushSubnormals {
 public:
#if defined(__x86_64__)
  FlushSubnormals() : before_(__builtin_ia32_stmxcsr()) {
    constexpr unsigned kResults = 0x8000, kOperands = 0x0040;
    __builtin_ia32_ldmxcsr(before_ | kResults | kOperands);
  }
  ~FlushSubnormals() { __builtin_ia32_ldmxcsr(before_); }

 private:
  unsigned before_;
#else
  FlushSubnormals() {}  // Arm computes them at full speed
  ~FlushSubnormals() {}
#endif
};

// The sections of all clips, clip by clip in lanes; lanes without a clip repeat the last one.
void load_sections(const BiquadSection<float>* sections, std::int64_t count, std::int64_t clips, Section* to) {
  for (std::int64_t s = 0; s < count; ++s) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const BiquadSection<float>& from = sections[(lane < clips ? lane : clips - 1) * count + s];
      to[s].p.v[lane] = from.p;
      to[s].q.v[lane] = from.q;
      to[s].r.v[lane] = from.r;
      to[s].d.v[lane] = from.d;
      to[s].c1.v[lane] = from.c1;
      to[s].c2.v[lane] = from.c2;
    }
  }
}

// kTogether sections over kLanes samples, in place; coefficients and states stay in registers.
template <int kTogether>
SINGERPRINT_LANE_INLINE void run_sections(const Section* sections, State* states, Lane (&x)[kLanes]) {
  Section section[kTogether];
  State state[kTogether];
  for (int s = 0; s < kTogether; ++s) {
    section[s] = sections[s];
    state[s] = states[s];
  }
  for (int n = 0; n < kLanes; ++n) {
    Lane y = x[n];
#pragma GCC unroll 4
    for (int s = 0; s < kTogether; ++s) y = biquad_step(section[s], state[s], y);
    x[n] = y;
  }
  for (int s = 0; s < kTogether; ++s) states[s] = state[s];
}

// kLanes samples of kLanes clips, `distance` apart.
SINGERPRINT_LANE_INLINE void filter_block(const Section* sections, std::int64_t count, State* states,
                                          const float* const* from, float* const* to, std::int64_t clips,
                                          std::int64_t n) {
  Lane x[kLanes];
#pragma GCC unroll 16
  for (int lane = 0; lane < kLanes; ++lane) x[lane] = Lane::load(from[lane] + n);
  transpose(x);
  std::int64_t s = 0;
  for (; s + 3 <= count; s += 3) run_sections<3>(sections + s, states + s, x);
  for (; s < count; ++s) run_sections<1>(sections + s, states + s, x);
  transpose(x);
  for (std::int64_t lane = 0; lane < clips; ++lane) x[lane].store(to[lane] + n);
}

// Not inlined: no arithmetic may move out of the caller's FlushSubnormals.
[[gnu::noinline]] void filter_clips(const BiquadSection<float>* sections, std::int64_t count, std::int64_t clips,
                                    const float* waveforms, std::int64_t samples, float* result) {
  Section section[kMaxBiquadSections];
  State states[kMaxBiquadSections];
  load_sections(sections, count, clips, section);
  for (std::int64_t s = 0; s < count; ++s) states[s] = {0.0f, 0.0f};
  const float* from[kLanes];
  float* to[kLanes];
  for (std::int64_t lane = 0; lane < kLanes; ++lane) {
    const std::int64_t clip = lane < clips ? lane : clips - 1;
    from[lane] = waveforms + clip * samples;
    to[lane] = result + clip * samples;
  }
  std::int64_t n = 0;
  for (; n + kLanes <= samples; n += kLanes) filter_block(section, count, states, from, to, clips, n);
  if (n == samples) return;
  float rest[kLanes][kLanes] = {};
  const std::size_t rest_bytes = static_cast<std::size_t>(samples - n) * sizeof(float);
  const float* rest_from[kLanes];
  float* rest_to[kLanes];
  for (int lane = 0; lane < kLanes; ++lane) {
    std::memcpy(rest[lane], from[lane] + n, rest_bytes);
    rest_from[lane] = rest_to[lane] = rest[lane];
  }
  filter_block(section, count, states, rest_from, rest_to, clips, 0);
  for (std::int64_t lane = 0; lane < clips; ++lane) std::memcpy(to[lane] + n, rest[lane], rest_bytes);
}

// Lane l <- lane l + 1: what a section has made is the next one's.
SINGERPRINT_LANE_INLINE Lane next_lane(Lane a) {
#if defined(__clang__)
  Lane result;
  for (int lane = 0; lane < kLanes; ++lane) result.v[lane] = a.v[(lane + 1) % kLanes];
  return result;
#else
  IntVector index;
  for (int lane = 0; lane < kLanes; ++lane) index[lane] = (lane + 1) % kLanes;
  return Lane(__builtin_shuffle(a.v, index));
#endif
}

// Clips whose sections lie in lanes: kPacked of them in a register, kRegisters registers beside each other, so that one
// computes while another waits for the sample before. Of a clip the last section is the first lane, the first section
// the last one. Each is two samples behind the one before it, not one: what goes from lane to lane is then ready before
// it is needed, and only a section's own state is waited for. waveforms and result may be the same.
template <int kRegisters, int kPacked>
class SkewedClips {
 public:
  SkewedClips(const BiquadSection<float>* sections, std::int64_t stride, int count, const float* waveforms,
              std::int64_t samples, float* result)
      : waveforms_(waveforms), result_(result), samples_(samples), behind_(2 * (count - 1)) {
    for (int clip = 0; clip < kRegisters * kPacked; ++clip) {
      Section& section = section_[clip / kPacked];
      const int first_lane = clip % kPacked * kWidth;
      is_first_[clip % kPacked][first_lane + count - 1] = -1;
      for (int s = 0; s < count; ++s) {
        const BiquadSection<float>& from = sections[clip * stride + s];
        const int lane = first_lane + count - 1 - s;
        section.p.v[lane] = from.p;
        section.q.v[lane] = from.q;
        section.r.v[lane] = from.r;
        section.d.v[lane] = from.d;
        section.c1.v[lane] = from.c1;
        section.c2.v[lane] = from.c2;
      }
    }
  }

  SINGERPRINT_LANE_INLINE void run() {
    std::int64_t n = 0;
    for (; n < behind_ && n < samples_; ++n) step<true, false>(n);
    for (; n < samples_; ++n) step<true, true>(n);
    for (; n < behind_; ++n) step<false, false>(n);
    for (; n < samples_ + behind_; ++n) step<false, true>(n);
  }

 private:
  static constexpr int kWidth = kLanes / kPacked;

  template <bool kReads, bool kWrites>
  SINGERPRINT_LANE_INLINE void step(std::int64_t n) {
#pragma GCC unroll 4
    for (int r = 0; r < kRegisters; ++r) {
      FloatVector x = shifted_[r].v;
      shifted_[r] = next_lane(y_[r]);
#pragma GCC unroll 2
      for (int c = 0; c < kPacked; ++c) {
        const float sample = kReads ? waveforms_[(r * kPacked + c) * samples_ + n] : 0.0f;
        x = is_first_[c] ? FloatVector{} + sample : x;
      }
      y_[r] = biquad_step(section_[r], state_[r], Lane(x));
      if (!kWrites) continue;
#pragma GCC unroll 2
      for (int c = 0; c < kPacked; ++c) {
        result_[(r * kPacked + c) * samples_ + n - behind_] = y_[r].v[c * kWidth];
      }
    }
  }

  const float* waveforms_;
  float* result_;
  std::int64_t samples_;
  std::int64_t behind_;
  Section section_[kRegisters] = {};
  State state_[kRegisters] = {};
  Lane y_[kRegisters] = {};
  Lane shifted_[kRegisters] = {};
  IntVector is_first_[kPacked] = {};
};

// Not inlined: see filter_clips.
template <int kRegisters, int kPacked>
[[gnu::noinline]] void filter_skewed(const BiquadSection<float>* sections, std::int64_t stride, int count,
                                     const float* waveforms, std::int64_t samples, float* result) noexcept {
  SkewedClips<kRegisters, kPacked>(sections, stride, count, waveforms, samples, result).run();
}

}  // namespace

int biquad_lane_count() { return kLanes; }

void biquad_cascade_lanes(const BiquadSection<float>* sections, std::int64_t count, std::int64_t clips,
                          const float* waveforms, std::int64_t samples, float* result) {
  const FlushSubnormals flush;
  filter_clips(sections, count, clips, waveforms, samples, result);
}

void biquad_cascade_skewed_lanes(const BiquadSection<float>* sections, std::int64_t count, std::int64_t clips,
                                 const float* waveforms, std::int64_t samples, float* result) {
  const FlushSubnormals flush;
  for (std::int64_t s = 0; s < count; s += kLanes) {
    const int together = static_cast<int>(count - s < kLanes ? count - s : kLanes);
    const float* const from = s == 0 ? waveforms : result;
    std::int64_t clip = 0;
    const auto run = [&](auto filter, int its_clips) {
      for (; clips - clip >= its_clips; clip += its_clips) {
        filter(sections + clip * count + s, count, together, from + clip * samples, samples, result + clip * samples);
      }
    };
    if (2 * together <= kLanes) {
      run(filter_skewed<2, 2>, 4);
      run(filter_skewed<1, 2>, 2);
    } else {
      run(filter_skewed<2, 1>, 2);
    }
    run(filter_skewed<1, 1>, 1);
  }
}

}  // namespace singerprint::SINGERPRINT_ISA
