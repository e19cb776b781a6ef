// What the tests of training share: random values, planes that own their memory.
#pragma once
#include <algorithm>
#include <random>
#include <vector>

#include "nn/training_planes.h"
#include "unusual_workers.h"

namespace singerprint {

inline std::vector<float> normal_floats(std::int64_t count, float mean = 0) {
  static std::mt19937 generator(0);
  std::normal_distribution<float> normal(mean);
  std::vector<float> values(count);
  std::generate(values.begin(), values.end(), [&] { return normal(generator); });
  return values;
}

// (clips, channels, pixels) in planes; lanes behind the last channel are zeros.
struct OwnPlanes {
  std::int64_t channels, clips, pixels;
  std::int64_t lanes = training_kernels().lanes;
  std::vector<float> values = std::vector<float>(lane_blocks(channels) * clips * pixels * lanes, 0.0f);

  static OwnPlanes random(std::int64_t channels, std::int64_t clips, std::int64_t pixels) {
    OwnPlanes result{channels, clips, pixels};
    const std::vector<float> normal = normal_floats(channels * clips * pixels);
    std::size_t next = 0;
    for (std::int64_t n = 0; n < channels; ++n) {
      for (std::int64_t b = 0; b < clips; ++b) {
        for (std::int64_t p = 0; p < pixels; ++p) result.of(n, b, p) = normal[next++];
      }
    }
    return result;
  }

  float& of(std::int64_t n, std::int64_t b, std::int64_t p) { return *(planes().at(n / lanes, b, p) + n % lanes); }
  float of(std::int64_t n, std::int64_t b, std::int64_t p) const {
    return values[((n / lanes * clips + b) * pixels + p) * lanes + n % lanes];
  }
  Planes<float> planes() { return {values.data(), clips, pixels, lanes}; }
  Planes<const float> planes() const { return {values.data(), clips, pixels, lanes}; }
};

}  // namespace singerprint
