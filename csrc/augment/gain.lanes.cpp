#include "core/lane.h"
#include "augment/gain.h"

namespace singerprint::SINGERPRINT_ISA {

void gain_lanes(const float* waveform, float factor, std::int64_t samples, float* result) {
  std::int64_t n = 0;
  for (; n + kLanes <= samples; n += kLanes) (factor * Lane::load(waveform + n)).store(result + n);
  for (; n < samples; ++n) result[n] = factor * waveform[n];
}

}  // namespace singerprint::SINGERPRINT_ISA
