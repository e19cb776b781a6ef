#include "nn/training_pictures.h"

namespace singerprint {
namespace {

constexpr int kStride = 2;

// Calls visit(place in the clip's pictures, place in the clip's first plane) for all values of patches that lie inside
// of the picture. block_floats: from a block of patches to the next one.
template <class Visit>
void for_each_patch_value(std::int64_t channels, Picture size, std::int64_t block_floats, Visit visit) {
  const std::int64_t lanes = training_kernels().lanes;
  const Picture out = size.strided(kStride);
  for (std::int64_t k = 0; k < channels * kStemKernel * kStemKernel; ++k) {
    const std::int64_t channel = k / (kStemKernel * kStemKernel);
    const std::int64_t i = k / kStemKernel % kStemKernel - 1, j = k % kStemKernel - 1;
    for (std::int64_t y = 0; y < out.rows; ++y) {
      const std::int64_t row = y * kStride + i;
      if (row < 0 || row >= size.rows) continue;
      const std::int64_t in = (channel * size.rows + row) * size.columns + j;
      const std::int64_t patch = k / lanes * block_floats + y * out.columns * lanes + k % lanes;
      const std::int64_t first = j < 0 ? 1 : 0, last = std::min(out.columns, (size.columns - j + 1) / kStride);
      for (std::int64_t x = first; x < last; ++x) visit(in + x * kStride, patch + x * lanes);
    }
  }
}

}  // namespace

std::int64_t patch_blocks(std::int64_t channels) { return lane_blocks(channels * kStemKernel * kStemKernel); }

void gather_patches(const float* pictures, std::int64_t channels, Picture size, const Workers& workers,
                    const Planes<float>& patches) {
  workers.for_each(patches.clips, [&](std::int64_t clip, int) {
    for (std::int64_t block = 0; block < patch_blocks(channels); ++block) {
      std::fill_n(patches.at(block, clip), patches.pixels * patches.lanes, 0.0f);
    }
    const float* const from = pictures + clip * channels * size.pixels();
    float* const to = patches.at(0, clip);
    for_each_patch_value(channels, size, patches.block_floats(),
                         [&](std::int64_t in, std::int64_t patch) { to[patch] = from[in]; });
  });
}

void scatter_patches(const Planes<const float>& patches, std::int64_t channels, Picture size, const Workers& workers,
                     float* pictures) {
  workers.for_each(patches.clips, [&](std::int64_t clip, int) {
    float* const to = pictures + clip * channels * size.pixels();
    std::fill_n(to, channels * size.pixels(), 0.0f);
    const float* const from = patches.at(0, clip);
    for_each_patch_value(channels, size, patches.block_floats(),
                         [&](std::int64_t in, std::int64_t patch) { to[in] += from[patch]; });
  });
}

void planes_of_pictures(const float* pictures, std::int64_t channels, const Planes<float>& planes) {
  for (std::int64_t block = 0; block < lane_blocks(channels); ++block) {
    for (std::int64_t clip = 0; clip < planes.clips; ++clip) {
      float* const plane = planes.at(block, clip);
      for (std::int64_t lane = 0; lane < planes.lanes; ++lane) {
        const std::int64_t channel = block * planes.lanes + lane;
        const float* const picture = pictures + (clip * channels + channel) * planes.pixels;
        for (std::int64_t p = 0; p < planes.pixels; ++p)
          plane[p * planes.lanes + lane] = channel < channels ? picture[p] : 0;
      }
    }
  }
}

void pictures_of_planes(const Planes<const float>& planes, std::int64_t channels, float* pictures) {
  for (std::int64_t clip = 0; clip < planes.clips; ++clip) {
    for (std::int64_t channel = 0; channel < channels; ++channel, pictures += planes.pixels) {
      const float* const plane = planes.at(channel / planes.lanes, clip) + channel % planes.lanes;
      for (std::int64_t p = 0; p < planes.pixels; ++p) pictures[p] = plane[p * planes.lanes];
    }
  }
}

}  // namespace singerprint
