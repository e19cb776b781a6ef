// The draw key of an op: who draws what. seed () int64; clip_ids and epochs (batch,) int64 in [0, 2^32): tensors, so
// that neither torch.compile nor a CUDA graph bakes them in. stream: int in [0, 2^31), which op draws (random.h).
#pragma once
#include "core/check.h"
#include "core/random.h"

namespace singerprint {

// Shapes, dtypes, devices, and the stream; runs in every <op>_meta.
inline void check_draw_key(const char* op, const at::Tensor& seed, const at::Tensor& clip_ids, const at::Tensor& epochs,
                           std::int64_t stream) {
  TORCH_CHECK_VALUE(clip_ids.dim() == 1, op, ": clip_ids must have shape (batch,), got ", clip_ids.sym_sizes());
  check_dtype(op, "clip_ids", clip_ids, at::kLong);
  check_per_clip(op, "epochs", epochs, at::kLong, clip_ids);
  TORCH_CHECK_VALUE(seed.dim() == 0, op, ": seed must have shape (), got ", seed.sym_sizes());
  check_dtype(op, "seed", seed, at::kLong);
  check_same_device(op, "seed", seed, clip_ids);
  TORCH_CHECK_VALUE(stream >= 0 && stream < (std::int64_t{1} << 31), op, ": stream must be in [0, 2**31), got ",
                    stream);
}

// The values of clip_ids or epochs, (batch,) contiguous on the CPU. On CUDA the low 32 bits count: to look at the
// others would wait for the device.
inline void check_counter_words(const char* op, const char* argument, const at::Tensor& words) {
  const std::int64_t* const word = words.const_data_ptr<std::int64_t>();
  for (std::int64_t b = 0; b < words.size(0); ++b) {
    TORCH_CHECK_VALUE(word[b] >= 0 && word[b] < (std::int64_t{1} << 32), op, ": ", argument,
                      " must be in [0, 2**32), got ", word[b]);
  }
}

}  // namespace singerprint
