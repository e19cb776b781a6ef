#include "augment/biquad_cascade.h"
#include "dsp/lane_transpose.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

using Section = BiquadPair<Lane>;
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

void set_lane(Section& to, std::int64_t lane, const BiquadPair<float>& from) {
  to.d.v[lane] = from.d;
  to.c1.v[lane] = from.c1;
  to.c2.v[lane] = from.c2;
  to.e.v[lane] = from.e;
  to.g1.v[lane] = from.g1;
  to.g2.v[lane] = from.g2;
  to.p11.v[lane] = from.p11;
  to.p12.v[lane] = from.p12;
  to.b11.v[lane] = from.b11;
  to.b12.v[lane] = from.b12;
  to.p21.v[lane] = from.p21;
  to.p22.v[lane] = from.p22;
  to.b21.v[lane] = from.b21;
  to.b22.v[lane] = from.b22;
}

// The sections of all clips, clip by clip in lanes; lanes without a clip repeat the last one.
void load_sections(const BiquadPair<float>* sections, std::int64_t count, std::int64_t clips, Section* to) {
  for (std::int64_t s = 0; s < count; ++s) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      set_lane(to[s], lane, sections[(lane < clips ? lane : clips - 1) * count + s]);
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
  for (int n = 0; n < kLanes; n += 2) {
#pragma GCC unroll 4
    for (int s = 0; s < kTogether; ++s) biquad_step(section[s], state[s], x[n], x[n + 1]);
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
[[gnu::noinline]] void filter_clips(const BiquadPair<float>* sections, std::int64_t count, std::int64_t clips,
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
// the last one. Each is two pairs behind the one before it, not one: what goes from lane to lane is then ready before
// it is needed, and only a section's own state is waited for. waveforms and result may be the same.
template <int kRegisters, int kPacked>
class SkewedClips {
 public:
  SkewedClips(const BiquadPair<float>* sections, std::int64_t stride, int count, const float* waveforms,
              std::int64_t samples, float* result)
      : waveforms_(waveforms), result_(result), samples_(samples), behind_(4 * (count - 1)) {
    for (int clip = 0; clip < kRegisters * kPacked; ++clip) {
      Section& section = section_[clip / kPacked];
      const int first_lane = clip % kPacked * kWidth;
      is_first_[clip % kPacked][first_lane + count - 1] = -1;
      for (int s = 0; s < count; ++s) set_lane(section, first_lane + count - 1 - s, sections[clip * stride + s]);
    }
  }

  SINGERPRINT_LANE_INLINE void run() {
    const std::int64_t end = samples_ + samples_ % 2 + behind_;
    std::int64_t n = 0;
    for (; n < behind_; n += 2) step<false>(n);
    for (; n + 2 <= samples_; n += 2) step<true>(n);
    for (; n < end; n += 2) step<false>(n);
  }

 private:
  static constexpr int kWidth = kLanes / kPacked;

  template <bool kIsInside>  // what is read and what is written
  SINGERPRINT_LANE_INLINE void step(std::int64_t n) {
#pragma GCC unroll 4
    for (int r = 0; r < kRegisters; ++r) {
      Lane x[2] = {shifted_[r][0], shifted_[r][1]};
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) {
        shifted_[r][i] = next_lane(y_[r][i]);
#pragma GCC unroll 2
        for (int c = 0; c < kPacked; ++c) {
          const float* const waveform = waveforms_ + (r * kPacked + c) * samples_;
          const float sample = kIsInside || n + i < samples_ ? waveform[n + i] : 0.0f;
          x[i] = Lane(is_first_[c] ? in_all_lanes(sample) : x[i].v);
        }
      }
      biquad_step(section_[r], state_[r], x[0], x[1]);
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) {
        y_[r][i] = x[i];
        const std::int64_t written = n + i - behind_;
        if (!kIsInside && (written < 0 || written >= samples_)) continue;
#pragma GCC unroll 2
        for (int c = 0; c < kPacked; ++c) result_[(r * kPacked + c) * samples_ + written] = x[i].v[c * kWidth];
      }
    }
  }

  const float* waveforms_;
  float* result_;
  std::int64_t samples_;
  std::int64_t behind_;
  Section section_[kRegisters] = {};
  State state_[kRegisters] = {};
  Lane y_[kRegisters][2] = {};
  Lane shifted_[kRegisters][2] = {};
  IntVector is_first_[kPacked] = {};
};

// Not inlined: see filter_clips.
template <int kRegisters, int kPacked>
[[gnu::noinline]] void filter_skewed(const BiquadPair<float>* sections, std::int64_t stride, int count,
                                     const float* waveforms, std::int64_t samples, float* result) noexcept {
  SkewedClips<kRegisters, kPacked>(sections, stride, count, waveforms, samples, result).run();
}

}  // namespace

int biquad_lane_count() { return kLanes; }

void biquad_cascade_lanes(const BiquadPair<float>* sections, std::int64_t count, std::int64_t clips,
                          const float* waveforms, std::int64_t samples, float* result) {
  const FlushSubnormals flush;
  filter_clips(sections, count, clips, waveforms, samples, result);
}

void biquad_cascade_skewed_lanes(const BiquadPair<float>* sections, std::int64_t count, std::int64_t clips,
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
