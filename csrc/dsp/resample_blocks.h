// The resampler in the frequency domain: blocks of a waveform are transformed, their spectrum is cut or continued with
// zeros to the other rate's length, and transformed back (overlap-save).
//   X[k] = sum_n x[begin + n] exp(-2 pi i n k / size_in),          0 <= n < size_in
//   y[m] = 1 / size_in sum_|k| G(k) X[k] exp(2 pi i m k / size_out)
// with G the spectrum of the filter (dsp/resample_filter.h), turned so that an output falls on the block's first. What
// a transform wraps around lies in the guards of the block, whose outputs are dropped. G ends at half the slower rate,
// so there is no alias at all; the filter's 140 dB beyond are cut off.
//
// G is real but for the turn, so two blocks are transformed as one: one real, the next imaginary.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/dispatch.h"
#include "dsp/lane_fourier.h"
#include "dsp/resample_filter.h"

namespace singerprint {

// How a waveform is cut: block j gives the outputs [j outputs, (j + 1) outputs), and reads size_in samples from
// j inputs - guard on. size_in and size_out are the same whole number of periods (step_in, step_out).
struct ResampleCut {
  std::int32_t size_in, size_out;
  std::int64_t inputs, outputs;
  std::int64_t guard;       // samples
  std::int32_t first_kept;  // of the block's outputs
};
// The cheapest an output; none where a step has a prime factor above 7, or is too long.
std::optional<ResampleCut> resample_cut(const ResampleRatio& ratio);

struct ResampleBlockTables {
  FourierTables forward, backward;
  std::int32_t size_in, size_out;
  std::int32_t bins;   // |k| < bins are kept
  const float* gains;  // (bins, 2): G(k) / size_in
  std::int32_t first_kept;
};

// The memory of one call: complex numbers a lane.
struct ResampleWork {
  float *input, *output, *line;
};

// inputs: 2 lanes pointers to size_in samples, blocks 2 l and 2 l + 1 in lane l; results: as many pointers to the
// counts[i] first outputs of each. work: size_in, size_out and the transforms' numbers, aligned to 64 bytes.
SINGERPRINT_DECLARE_LANES(void, resample_blocks_lanes,
                          (const ResampleBlockTables& tables, const float* const* inputs, const ResampleWork& work,
                           float* const* results, const std::int64_t* counts))

class ResampleBlocks {
 public:
  ResampleBlocks(const ResampleRatio& ratio, const ResampleCut& cut, double gain);

  static int blocks_at_once();

  // The memory of one thread.
  class Worker {
   public:
    explicit Worker(const ResampleBlocks& blocks);
    // As resample_blocks_lanes; blocks_at_once() pointers.
    void operator()(const float* const* inputs, float* const* results, const std::int64_t* counts);

   private:
    struct Free {
      void operator()(float* memory) const;
    };
    const ResampleBlocks& blocks_;
    std::unique_ptr<float[], Free> memory_;  // not AlignedFloats, whose zeros a short clip would wait for
    ResampleWork work_{};
  };

 private:
  LaneFourier forward_, backward_;
  std::vector<float> gains_;
  ResampleBlockTables tables_{};
};

}  // namespace singerprint
