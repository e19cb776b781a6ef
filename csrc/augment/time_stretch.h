// time_stretch: each clip longer or shorter by a rate of its own; the formulas are in dsp/time_stretcher.h.
//
// CPU   a thread has a clip (dsp/time_stretcher.cpp).
// CUDA  the voices as for a pitch shift (dsp/voice.cuh), then a kernel each: the grains of every segment, the rests of
//       every clip, their splices, and at last every sample of the result, which gathers what reaches it. No atomics,
//       and no decision of the host on what is in a clip.
#pragma once
#include <cstdint>

#include "dsp/stretch_buffers.h"

namespace singerprint {

// waveforms (batch, samples), rates (batch), kept within their range, and result (batch, result samples): contiguous;
// sinc: the table of widening 1; buffers for a part of the batch at a time. Returns nullptr or the launch's error.
const char* launch_time_stretch(const float* waveforms, std::int64_t batch, const PitchTableView& tables,
                                const float* sinc, const float* rates, std::int64_t chunk,
                                const StretchBuffers& buffers, float* result, void* stream);

}  // namespace singerprint
