// SmoothPower: the power spectrum of windowed frames of sizes whose prime factors are 2, 3, 5 and 7, a frame a lane.
//   power[k, f] = |sum_n w[n] x[f, n] exp(-2 pi i k n / n_fft)|^2,  0 <= k <= n_fft / 2
// Even samples real, odd samples imaginary: a transform of half the size (dsp/lane_fourier.h), untangled.
#pragma once
#include <cstdint>
#include <vector>

#include "core/dispatch.h"
#include "dsp/aligned_floats.h"
#include "dsp/lane_fourier.h"

namespace singerprint {

struct SmoothPowerTables {
  FourierTables fourier;
  std::int32_t half;           // n_fft / 2
  const float* half_window;    // (n_fft), w / 2: the factor of the untangling
  const float* twiddles;       // (half / 2 + 1) pairs: exp(-2 pi i k / n_fft)
  const std::int32_t* places;  // (half + 1): where bin k of the transform lies; that of `half` is that of 0
};

// frames: fourier_lane_count() pointers to n_fft samples. numbers, work: as fourier_lanes has them. power: (half + 1,
// lanes). numbers, work and power aligned to 64 bytes.
SINGERPRINT_DECLARE_LANES(void, smooth_power_lanes,
                          (const SmoothPowerTables& tables, const float* const* frames, float* numbers, float* work,
                           float* power))

class SmoothPower {
 public:
  explicit SmoothPower(const std::vector<double>& window);  // is_possible(window's size)
  SmoothPower(const SmoothPower&) = delete;
  SmoothPower& operator=(const SmoothPower&) = delete;

  static bool is_possible(std::int64_t n_fft);

  // The memory of one thread; the tables are shared and only read.
  class Worker {
   public:
    explicit Worker(const SmoothPower& spectrum);
    void operator()(const float* const* frames, float* power);

   private:
    const SmoothPower& spectrum_;
    AlignedFloats numbers_, work_;
  };

 private:
  LaneFourier fourier_;
  std::vector<float> half_window_, twiddles_;
  std::vector<std::int32_t> places_;
  SmoothPowerTables tables_{};
};

}  // namespace singerprint
