// One output of the resampler as a sum over its taps: arithmetic of the CPU and of CUDA. The formulas are in
// dsp/resample_filter.h.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/host_device.h"
#include "core/scalar.h"

namespace singerprint {

// ResampleTaps as a pointer, to the host's or the device's memory.
template <class Number>
struct ResampleRows {
  std::int64_t step_in, step_out;
  bool exact;
  std::int64_t taps, phases;
  const Number* weights;
  std::int64_t row_distance, tap_distance;  // (rows, taps), or transposed where neighbouring outputs load together
};

// Where output m reads: its first tap, its row and, between rows, the weights of four neighbouring ones.
template <class Number>
struct ResamplePlace {
  std::int64_t first;
  const Number* row;
  Number share[4];
};

template <class Number>
SINGERPRINT_HOST_DEVICE inline ResamplePlace<Number> resample_place(const ResampleRows<Number>& rows, std::int64_t m) {
  const std::int64_t position = m * rows.step_in, whole = position / rows.step_out;
  const std::int64_t first = whole - (rows.taps / 2 - 1);
  if (rows.exact) return {first, rows.weights + m % rows.step_out * rows.row_distance, {1, 0, 0, 0}};
  const std::int64_t offset = (position - whole * rows.step_out) * rows.phases;
  const std::int64_t row = offset / rows.step_out;
  const double t = static_cast<double>(offset - row * rows.step_out) / static_cast<double>(rows.step_out);
  // Lagrange's cubic through offsets -1, 0, 1 and 2, between 0 and 1
  return {first,
          rows.weights + row * rows.row_distance,
          {static_cast<Number>(t * (t - 1.0) * (2.0 - t) / 6.0), static_cast<Number>((t * t - 1.0) * (t - 2.0) / 2.0),
           static_cast<Number>(t * (t + 1.0) * (2.0 - t) / 2.0), static_cast<Number>(t * (t * t - 1.0) / 6.0)}};
}

// a * b + c, rounded once on CUDA; on the host a double is rounded twice, since the baseline has to call for its fma.
SINGERPRINT_HOST_DEVICE inline float fused(float a, float b, float c) { return multiply_add(a, b, c); }
SINGERPRINT_HOST_DEVICE inline double fused(double a, double b, double c) {
#ifdef __CUDA_ARCH__
  return ::fma(a, b, c);
#else
  return a * b + c;
#endif
}

template <class Number>
SINGERPRINT_HOST_DEVICE inline Number resample_weight(const ResampleRows<Number>& rows,
                                                      const ResamplePlace<Number>& place, std::int64_t tap) {
  const Number* const weight = place.row + tap * rows.tap_distance;
  if (rows.exact) return *weight;
  Number sum = place.share[0] * weight[0];
  for (int i = 1; i < 4; ++i) sum = fused(place.share[i], weight[i * rows.row_distance], sum);
  return sum;
}

// The waveform is 0 beyond its ends. From both ends of the filter to its middle, so that the small products are added
// before the large: the rounding error of one chain would be several times as large.
template <class Number>
SINGERPRINT_HOST_DEVICE inline Number resample_sample(const ResampleRows<Number>& rows, const Number* waveform,
                                                      std::int64_t samples, std::int64_t m) {
  const ResamplePlace<Number> place = resample_place(rows, m);
  const std::int64_t half = rows.taps / 2;
  const std::int64_t begin = place.first < 0 ? -place.first : 0;
  const std::int64_t left = samples - place.first, end = left < rows.taps ? left : rows.taps;
  Number before = 0, after = 0;
  for (std::int64_t tap = begin; tap < (half < end ? half : end); ++tap) {
    before = fused(resample_weight(rows, place, tap), waveform[place.first + tap], before);
  }
  for (std::int64_t tap = end - 1; tap >= (half > begin ? half : begin); --tap) {
    after = fused(resample_weight(rows, place, tap), waveform[place.first + tap], after);
  }
  return before + after;
}

}  // namespace singerprint
