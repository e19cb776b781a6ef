#include "dsp/smooth_power.h"

#include "dsp/lane_complex.h"
#include "dsp/lane_transpose.h"
#include "dsp/lane_untangle.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

constexpr int kGroup = kLanes / 2;  // complex numbers that one vector of samples holds: (even, odd) pairs

void load_frames(const SmoothPowerTables& tables, const float* const* frames, ComplexLane* numbers) {
  for (std::int32_t first = 0; first < tables.half; first += kGroup) {
    // The last group may begin within the one before it.
    const std::int32_t n = first + kGroup <= tables.half ? first : tables.half - kGroup;
    const Lane window = Lane::load(tables.half_window + 2 * n);
    Lane samples[kLanes];
#pragma GCC unroll 16
    for (int lane = 0; lane < kLanes; ++lane) samples[lane] = window * Lane::load(frames[lane] + 2 * n);
    transpose(samples);
    FourierPlace place = FourierPlace::of_sample(tables.fourier, n);
#pragma GCC unroll 8
    for (int c = 0; c < kGroup; ++c, ++place) numbers[*place] = {samples[2 * c], samples[2 * c + 1]};
  }
}

}  // namespace

void smooth_power_lanes(const SmoothPowerTables& tables, const float* const* frames, float* numbers, float* work,
                        float* power) {
  ComplexLane* const z = reinterpret_cast<ComplexLane*>(numbers);
  load_frames(tables, frames, z);
  fourier_lanes(tables.fourier, numbers, work);
  const std::int32_t half = tables.half;
  for (std::int32_t k = 0; k <= half / 2; ++k) {
    untangle(z[tables.places[k]], z[tables.places[half - k]], tables.twiddles + 2 * k, power + k * kLanes,
             power + (half - k) * kLanes);
  }
}

}  // namespace singerprint::SINGERPRINT_ISA
