// all_threads: the threads of PyTorch as workers.
#pragma once
#include <ATen/Parallel.h>

#include "nn/workers.h"

namespace singerprint {

inline Workers all_threads() {
  return {at::get_num_threads(), [](std::int64_t parts, const std::function<void(std::int64_t, int)>& run) {
            at::parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
              for (std::int64_t part = begin; part < end; ++part) run(part, at::get_thread_num());
            });
          }};
}

}  // namespace singerprint
