// AlignedFloats: zeros that begin on a cache line, which is also as long as the widest lane: no load of a lane then
// touches two.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace singerprint {

class AlignedFloats {
 public:
  AlignedFloats() = default;
  explicit AlignedFloats(std::int64_t count)
      : memory_(static_cast<float*>(::operator new(static_cast<std::size_t>(count) * sizeof(float), kAlignment))) {
    std::fill_n(memory_.get(), count, 0.0f);
  }
  float* data() const { return memory_.get(); }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(float* memory) const { ::operator delete(memory, kAlignment); }
  };
  std::unique_ptr<float[], Free> memory_;
};

}  // namespace singerprint
