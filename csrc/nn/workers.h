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

// One, who does part after part.
inline const Workers& one_worker() {
  static const Workers worker{1, [](std::int64_t parts, const std::function<void(std::int64_t, int)>& run) {
                                for (std::int64_t part = 0; part < parts; ++part) run(part, 0);
                              }};
  return worker;
}

}  // namespace singerprint
