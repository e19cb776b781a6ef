#include "dsp/harmonic_remap.h"

#include "core/lane.h"
#include "dsp/lane_exp2.h"
#include "dsp/lane_log.h"

namespace singerprint::SINGERPRINT_ISA {

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

void inner_slopes_lanes(const float* log2_level, std::int32_t harmonics, float* slope) {
  for (std::int32_t k = 1; k < harmonics - 1; k += kLanes) {
    const Lane level = Lane::load(log2_level + k);
    const Lane before = level - Lane::load(log2_level + k - 1), after = Lane::load(log2_level + k + 1) - level;
    const Lane product = before * after, mean = 2.0f * before * after / (before + after), flat(0.0f);
    Lane(product.v > flat.v ? mean.v : flat.v).store(slope + k);
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

}  // namespace singerprint::SINGERPRINT_ISA
