// A batch of clips resampled on the CPU, on all threads: which way a ratio goes (dsp/resample_blocks.h, or the sum of
// dsp/resample_sample.h), how the work is cut, and the tables that calls share.
#pragma once
#include <cstdint>
#include <memory>
#include <tuple>

#include "dsp/resample_filter.h"

namespace singerprint {

// The transpose of resampling from a to b is resampling from b to a, times b / a of the first.
struct ResampleDirection {
  ResampleRatio ratio;
  bool transposed;
  double gain() const {
    return transposed ? static_cast<double>(ratio.step_in) / static_cast<double>(ratio.step_out) : 1.0;
  }
  bool operator<(const ResampleDirection& other) const {
    return std::tie(ratio, transposed) < std::tie(other.ratio, other.transposed);
  }
};

struct ResampleShape {
  std::int64_t batch, samples, outputs;
};

// Made at the first call; later ones share it.
std::shared_ptr<const ResampleTaps> taps_of(const ResampleDirection& direction);

// What a stream may ask for at a time; see the op resample_cell.
struct ResampleCell {
  std::int64_t inputs, outputs, ahead;
};
ResampleCell cell_of(const ResampleRatio& ratio);

// waveforms: (batch, samples), result: (batch, outputs), contiguous.
void resample_clips(const ResampleDirection& direction, const float* waveforms, const ResampleShape& shape,
                    float* result);
void resample_clips(const ResampleDirection& direction, const double* waveforms, const ResampleShape& shape,
                    double* result);

}  // namespace singerprint
