// A WAV file as mono samples: RIFF/WAVE with PCM of 16, 24 or 32 bits, or floats of 32 or 64.
//   mono[n] = mean over channels of file[n, channel], whole numbers divided by their greatest
#pragma once
#include <cstdint>
#include <string>
#include <vector>

struct WavFile {
  std::vector<float> samples;
  std::int64_t sample_rate_hz;
};

// Throws std::runtime_error, which names the file.
WavFile read_wav(const std::string& path);
