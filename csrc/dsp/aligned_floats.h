// AlignedFloats: zeros, or what nobody has set, that begin on a cache line, which is also as long as the widest lane:
// no load of a lane then touches two. Many megabytes of them are asked for in huge pages: who walks through them looks
// up fewer addresses.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace singerprint {

// To be called before the memory is touched; a refusal costs time alone.
inline void ask_for_huge_pages([[maybe_unused]] float* memory, [[maybe_unused]] std::int64_t count) {
#if defined(__linux__)
  constexpr std::int64_t kWorthHugePages = std::int64_t{1} << 23;
  constexpr std::uintptr_t kHugePage = std::uintptr_t{1} << 21;
  const std::int64_t bytes = count * static_cast<std::int64_t>(sizeof(float));
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t first = (begin + kHugePage - 1) / kHugePage * kHugePage;
  const std::uintptr_t last = (begin + static_cast<std::uintptr_t>(bytes)) / kHugePage * kHugePage;
  if (bytes >= kWorthHugePages && first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
}

class AlignedFloats {
 public:
  struct Unset {};

  AlignedFloats() = default;
  AlignedFloats(std::int64_t count, Unset)
      : memory_(static_cast<float*>(::operator new(static_cast<std::size_t>(count) * sizeof(float), kAlignment))) {
    ask_for_huge_pages(memory_.get(), count);
  }
  explicit AlignedFloats(std::int64_t count) : AlignedFloats(count, Unset{}) { std::fill_n(data(), count, 0.0f); }
  float* data() const { return memory_.get(); }

 private:
  static constexpr std::align_val_t kAlignment{64};

  struct Free {
    void operator()(float* memory) const { ::operator delete(memory, kAlignment); }
  };
  std::unique_ptr<float[], Free> memory_;
};

}  // namespace singerprint
