// training_pictures: from pictures, (clips, channels, rows, columns), to planes (nn/training_planes.h) and back.
//   patches[p, k] = picture[c, 2 * y + i - 1, 2 * x + j - 1] with p = (y, x), k = (c, i, j): the 3 x 3 neighbourhoods
//   with a stride of 2, of which the stem is a product; outside of the picture they are 0
#pragma once
#include <cstdint>

#include "nn/training_planes.h"

namespace singerprint {

// The blocks of patches of a picture with so many channels.
std::int64_t patch_blocks(std::int64_t channels);

void gather_patches(const float* pictures, std::int64_t channels, Picture size, const Workers& workers,
                    const Planes<float>& patches);

// The gradient of gather_patches.
void scatter_patches(const Planes<const float>& patches, std::int64_t channels, Picture size, const Workers& workers,
                     float* pictures);

void planes_of_pictures(const float* pictures, std::int64_t channels, const Planes<float>& planes);
void pictures_of_planes(const Planes<const float>& planes, std::int64_t channels, float* pictures);

}  // namespace singerprint
