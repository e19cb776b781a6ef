// pitch: the fundamental frequency of every frame, 0 where it is unvoiced; the formulas are in dsp/pitch_track.h.
//
// CPU   frames lie side by side in lanes (dsp/pitch_track.lanes.cpp), and a thread has a clip.
// CUDA  three kernels: y, the candidates of every frame, and the best path of every clip (dsp/pitch_track_block.h). The
//       arithmetic of the decisions is the CPU's, and so is the order of the sums.
#pragma once
#include <cstdint>

#include "dsp/pitch_track_block.h"

namespace singerprint {

// waveforms: (batch, samples) contiguous; hz: (batch, frames). Returns nullptr or the launch's error.
const char* launch_pitch(const float* waveforms, std::int64_t batch, std::int64_t samples, const PitchTableView& tables,
                         const PitchBuffers& buffers, float* hz, void* stream);

}  // namespace singerprint
