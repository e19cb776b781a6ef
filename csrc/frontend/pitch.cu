#include "frontend/pitch.h"

#include "dsp/pitch_track.cuh"

namespace singerprint {

const char* launch_pitch(const float* waveforms, std::int64_t batch, std::int64_t samples, const PitchTableView& tables,
                         const PitchBuffers& buffers, float* hz, void* stream) {
  if (batch == 0) return nullptr;
  return track_pitch(waveforms, batch, samples, tables, buffers, hz, static_cast<cudaStream_t>(stream));
}

}  // namespace singerprint
