// Workers: who shares the parts of a computation. The mathematics knows neither threads nor PyTorch.
#pragma once
#include <cstdint>
#include <functional>

namespace singerprint {

// for_each(parts, run) calls run(part, worker) for every part in [0, parts), in any order, perhaps several at once;
// worker < count, and no two at once are the same.
struct Workers {
  int count;
  std::function<void(std::int64_t parts, const std::function<void(std::int64_t part, int worker)>& run)> for_each;
};

}  // namespace singerprint
