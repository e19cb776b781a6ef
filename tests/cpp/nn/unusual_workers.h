// Parts from the last to the first, given to the workers in turn: nothing may depend on who does what, or when.
#pragma once
#include "nn/workers.h"

namespace singerprint {

inline Workers unusual_workers(int count) {
  return {count, [count](std::int64_t parts, const std::function<void(std::int64_t, int)>& run) {
            for (std::int64_t part = parts; part-- > 0;) run(part, static_cast<int>(part % count));
          }};
}

}  // namespace singerprint
