// draw_uniform: the uniform numbers that parameters are made of, one row per clip.
//   u[b, e] = element e of the parameter draws of (seed, clip_ids[b], epochs[b], stream), in [0, 1): core/random.h
#pragma once
#include <cstdint>

#include "core/random.h"

namespace singerprint {

// An element's block is a word of the Philox counter.
inline constexpr std::int64_t kMaxUniforms = std::int64_t{4} << 32;

// Elements [4 index, 4 index + 4) of one row of `count`.
SINGERPRINT_HOST_DEVICE inline void write_uniforms(const DrawStream& draws, std::int64_t index, std::int64_t count,
                                                   float* row) {
  const PhiloxBlock block = draw_block(draws, static_cast<std::uint32_t>(index));
  for (std::int64_t e = 4 * index; e < 4 * index + 4 && e < count; ++e) row[e] = uniform_of(block.word[e - 4 * index]);
}

// clip_ids, epochs: (batch,); seed: one number; result: (batch, count) contiguous. Returns nullptr or the launch's
// error.
const char* launch_draw_uniform(const std::int64_t* seed, const std::int64_t* clip_ids, const std::int64_t* epochs,
                                std::int64_t stream, std::int64_t batch, std::int64_t count, float* result,
                                void* cuda_stream);

}  // namespace singerprint
