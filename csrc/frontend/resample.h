// resample: waveforms at another sample rate.
//   y[b, m] = low / from_hz sum_n x[b, n] g(low (m / to_hz - n / from_hz)),  low = min(from_hz, to_hz)
// with the windowed sinc g of dsp/resample_filter.h; output m lies at input time m from_hz / to_hz, and the waveform is
// 0 beyond its ends. Its transpose, the backward, is the same sum with the rates exchanged, times to_hz / from_hz.
//
// On the CPU float32 goes through the spectra of blocks (dsp/resample_blocks.h) where the ratio's factors allow it: a
// tenth of the work of the sum itself. All else is the sum: other ratios, float64, CUDA, and blocks with NaN, infinity
// or sums beyond float32, which a transform would spread over the whole block.
#pragma once
#include <cstdint>

#include "core/dispatch.h"
#include "dsp/resample_sample.h"

namespace singerprint {

// Outputs [begin, end) of some clips: the interpolated row of an output serves them all. clips: pointers to `samples`
// samples each, results: pointers to output `begin` of each, row: memory for rows.taps weights.
SINGERPRINT_DECLARE_LANES(void, resample_sum_lanes,
                          (const ResampleRows<float>& rows, const float* const* clips, std::int64_t clip_count,
                           std::int64_t samples, std::int64_t begin, std::int64_t end, float* row,
                           float* const* results))

// waveforms: (batch, samples), result: (batch, outputs), both contiguous. Returns nullptr or the launch's error.
const char* launch_resample(const ResampleRows<float>& rows, const float* waveforms, std::int64_t batch,
                            std::int64_t samples, std::int64_t outputs, float* result, void* stream);
const char* launch_resample(const ResampleRows<double>& rows, const double* waveforms, std::int64_t batch,
                            std::int64_t samples, std::int64_t outputs, double* result, void* stream);

}  // namespace singerprint
