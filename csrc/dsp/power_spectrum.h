// PowerSpectrum: the power spectrum of windowed frames, several frames at once, and their autocorrelation.
//   power[k, f] = |sum_n w[n] x[f, n] exp(-2 pi i k n / n_fft)|^2,  0 <= k <= n_fft / 2
//
// Powers of two from 256 on, and three times those: frames lie side by side in lanes (16, 8 or 4 by instruction set)
// and share every twiddle. kissfft over such a lane type was set aside: its twiddles become vectors (n_fft 2048: 128
// KiB beside the data's 128), its recursion knows nothing of the transposing load or of what follows, and its
// std::vector and std::complex code would be emitted as weak symbols in files of different instruction sets. The
// transform here is
//   half = n_fft / 2 complex numbers, even samples real, odd samples imaginary, half = 16 inner;
//   1. load + window + transpose + 16 rows of columns, twiddled: 16 blocks of `inner` numbers (one trip through L2);
//   2. block by block, in L1, a Stockham transform of size inner (radix 4 and 8, and 3 last);
//   3. blocks b and 16 - b hold the bins k and half - k: both untangled into the real signal's spectrum, then squared.
// Other sizes: dsp/smooth_power.h, also in lanes; those with a larger prime factor than 7: RfftPlan, frame by frame, in
// double.
//
// The way back, to the autocorrelation, is the same transform: power is real and even in k, and so is what it becomes.
//   a[l] = sum_n w[n] x[n] w[n + l] x[n + l] = sum_{k < n_fft} power[k] cos(2 pi k l / n_fft) / n_fft
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "core/dispatch.h"
#include "dsp/aligned_floats.h"
#include "dsp/rfft.h"
#include "dsp/smooth_power.h"

namespace singerprint {

inline constexpr int kOuterRadix = 16;
inline constexpr int kMaximalPasses = 3;

// What the lanes read: all twiddles as (real, imaginary) pairs.
struct PowerSpectrumTables {
  std::int32_t inner;
  std::int32_t rows;  // of the 16, those with a weight of the window that is not 0
  std::int32_t passes;
  std::int32_t radix[kMaximalPasses];
  const float* half_window;                     // (n_fft), w / 2: the factor of the untangling
  const float* outer_twiddles;                  // (inner, 15): exp(-2 pi i j b / half), b = 1 .. 15
  const float* inner_twiddles[kMaximalPasses];  // (size / radix, radix - 1): exp(-2 pi i p i / size)
  const float* untangle_twiddles;               // (9, inner): exp(-2 pi i (b + 16 i) / n_fft), b = 0 .. 8
};

SINGERPRINT_DECLARE_LANES(int, lane_count, ())
SINGERPRINT_DECLARE_LANES(std::int64_t, power_spectrum_work_floats, (const PowerSpectrumTables& tables))
// frames: lane_count() pointers to n_fft samples. work: power_spectrum_work_floats. power: (half + 1,
// lane_count). work and power aligned to 64 bytes.
SINGERPRINT_DECLARE_LANES(void, power_spectrum_lanes,
                          (const PowerSpectrumTables& tables, const float* const* frames, float* work, float* power))
// power: as above, of which the first `lags` rows become the autocorrelation.
SINGERPRINT_DECLARE_LANES(void, autocorrelation_lanes,
                          (const PowerSpectrumTables& tables, std::int32_t lags, float* work, float* power))

// Whether the lanes transform this size.
inline bool has_lanes(std::int64_t n_fft) {
  const auto is_power_of_two = [](std::int64_t n) { return n > 0 && (n & (n - 1)) == 0; };
  return n_fft >= 256 && (is_power_of_two(n_fft) || (n_fft % 768 == 0 && is_power_of_two(n_fft / 3)));
}

class PowerSpectrum {
 public:
  // The Hann window. n_fft even, >= 2.
  explicit PowerSpectrum(std::int64_t n_fft);
  // Any window, of n_fft weights. Of a frame `length` samples are read, whatever they weigh; the others count as 0.
  PowerSpectrum(std::vector<double> window, std::int64_t length);
  PowerSpectrum(const PowerSpectrum&) = delete;
  PowerSpectrum& operator=(const PowerSpectrum&) = delete;

  std::int64_t n_fft() const { return n_fft_; }
  // Frames of one call of a Worker.
  static int frames_at_once();

  // The memory of one thread; the tables are shared and only read.
  class Worker {
   public:
    explicit Worker(const PowerSpectrum& spectrum);
    // frames: frames_at_once() pointers to n_fft samples. Returns (n_fft / 2 + 1, frames_at_once()), valid until the
    // next call.
    const float* operator()(const float* const* frames);
    // Likewise (lags, frames_at_once()). has_lanes(n_fft), lags - 1 zeros at the window's end.
    const float* autocorrelation(const float* const* frames, std::int32_t lags);

   private:
    void frame_by_frame(const float* const* frames);
    const PowerSpectrum& spectrum_;
    AlignedFloats power_, work_;
    std::unique_ptr<SmoothPower::Worker> smooth_;
    std::unique_ptr<RfftPlan> plan_;
    std::vector<double> windowed_;
    std::vector<std::complex<double>> bins_;
  };

 private:
  void make_tables(std::int64_t length);
  std::int64_t n_fft_;
  std::vector<double> window_;
  std::unique_ptr<SmoothPower> smooth_;  // null where the blocks or the plan transform
  std::unique_ptr<RfftPlan> plan_;       // null where the lanes do
  std::vector<float> half_window_, outer_, inner_[kMaximalPasses], untangle_;
  PowerSpectrumTables tables_{};
};

}  // namespace singerprint
