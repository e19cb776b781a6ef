// pitch_shift: pitch, pitch range and formants of each clip, apart from each other; the formulas are in
// dsp/pitch_shifter.h.
//
// CPU   a thread has a clip (dsp/pitch_shifter.cpp).
// CUDA  the same steps, a kernel each: the track, the segments of every clip, the phases of every segment, its marks
//       and grains, the lines of every knot, and at last every sample, which gathers what reaches it. No atomics, and
//       no decision of the host on what is in a clip: the work of a kernel that finds none ends there.
#pragma once
#include <cstdint>

#include "dsp/shift_buffers.h"

namespace singerprint {

struct ShiftRatios {
  const float *pitch, *range, *formant;  // (batch) each, kept within their ranges
};

// waveforms and result: (batch, samples) contiguous; buffers for a part of the batch at a time (shift_chunks). Returns
// nullptr or the launch's error.
const char* launch_pitch_shift(const float* waveforms, std::int64_t batch, const PitchTableView& tables,
                               const PitchShiftStyle& style, const ShiftRatios& ratios, std::int64_t chunk,
                               const ShiftBuffers& buffers, float* result, void* stream);

}  // namespace singerprint
