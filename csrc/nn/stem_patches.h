// stem_patches: what the stem, a 3 x 3 convolution of stride 2, sees of each output pixel, as a product reads it.
//   patches[p, 9 c + 3 (i + 1) + j + 1] = spectrogram[c, 2 row + i, 2 p + j], i and j from -1 to 1; 0 outside
#pragma once
#include <algorithm>
#include <cstdint>

#include "nn/folded_clip.h"

namespace singerprint {

// to[p * lanes] = line[2 p + offset] for p in [0, count), 0 outside of its columns and where there is no line.
template <class Value>
void copy_every_second(const Value* line, std::int64_t columns, int offset, std::int64_t count, std::int64_t lanes,
                       Value* to) {
  const std::int64_t begin = offset < 0 ? 1 : 0;
  const std::int64_t end = line == nullptr ? begin : std::min(count, (columns - offset + 1) / 2);
  for (std::int64_t p = 0; p < begin; ++p) to[p * lanes] = Value{};
  for (std::int64_t p = begin; p < end; ++p) to[p * lanes] = line[2 * p + offset];
  for (std::int64_t p = end; p < count; ++p) to[p * lanes] = Value{};
}

// One row of the output, of `count` pixels. depth: at least 9 channels; what is beyond them is 0.
// patches: (depth in blocks of lanes, count, lanes).
template <class Value>
void stem_patches(const Value* spectrogram, std::int64_t channels, Picture size, std::int64_t row, std::int64_t depth,
                  std::int64_t count, std::int64_t lanes, Value* patches) {
  const auto at = [&](std::int64_t k) { return patches + k / lanes * count * lanes + k % lanes; };
  std::int64_t k = 0;
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    for (int i = -1; i <= 1; ++i) {
      const std::int64_t y = 2 * row + i;
      const bool inside = y >= 0 && y < size.rows;
      const Value* const line = inside ? spectrogram + channel * size.pixels() + y * size.columns : nullptr;
      for (int j = -1; j <= 1; ++j, ++k) copy_every_second(line, size.columns, j, count, lanes, at(k));
    }
  }
  for (; k < depth; ++k) copy_every_second<Value>(nullptr, 0, 0, count, lanes, at(k));
}

}  // namespace singerprint
