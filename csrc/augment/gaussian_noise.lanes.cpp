#include "core/random_lanes.h"
#include "augment/gaussian_noise.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

// kNormals samples; n is a multiple of 4.
inline void add_noise(const float* from, Lane amplitude, const DrawStream& draws, std::int64_t n, float* to) {
  const NormalLanes normals = normal_lanes(draws, static_cast<std::uint32_t>(n / 4));
  for (int row = 0; row < 4; ++row) {
    fma(amplitude, normals.row[row], Lane::load(from + row * kLanes)).store(to + row * kLanes);
  }
}

}  // namespace

void gaussian_noise_lanes(const float* waveform, float amplitude, const DrawStream& draws, std::int64_t begin,
                          std::int64_t end, float* result) {
  if (amplitude == 0.0f) {  // a copy, not x + 0 * normal: that would turn -0 into 0, and take its time
    std::memcpy(result + begin, waveform + begin, static_cast<std::size_t>(end - begin) * sizeof(float));
    return;
  }
  const DrawStream local = draws;  // by its address the compiler would have to load it anew after every store
  std::int64_t n = begin;
  for (; n + kNormals <= end; n += kNormals) add_noise(waveform + n, amplitude, local, n, result + n);
  if (n == end) return;
  float rest[kNormals] = {};
  const std::size_t rest_bytes = static_cast<std::size_t>(end - n) * sizeof(float);
  std::memcpy(rest, waveform + n, rest_bytes);
  add_noise(rest, amplitude, local, n, rest);
  std::memcpy(result + n, rest, rest_bytes);
}

}  // namespace singerprint::SINGERPRINT_ISA
