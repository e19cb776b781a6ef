#include "core/dispatch.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace singerprint {
namespace {

constexpr const char* kNames[] = {"baseline", "avx2", "avx512", "avx512_bf16"};

InstructionSet best_of_machine() {
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (avx512 && __builtin_cpu_supports("avx512bf16")) return InstructionSet::kAvx512Bf16;
  if (avx512) return InstructionSet::kAvx512;
  if (avx2) return InstructionSet::kAvx2;
#endif
  return InstructionSet::kBaseline;
}

InstructionSet capped_by_environment(InstructionSet best) {
  const char* cap = std::getenv("SINGERPRINT_INSTRUCTION_SET");
  if (cap == nullptr || *cap == '\0') return best;
  const auto* const name = std::find(std::begin(kNames), std::end(kNames), std::string(cap));
  if (name == std::end(kNames)) {
    throw std::invalid_argument("SINGERPRINT_INSTRUCTION_SET must be baseline, avx2, avx512 or avx512_bf16, got " +
                                std::string(cap));
  }
  return std::min(best, static_cast<InstructionSet>(name - std::begin(kNames)));
}

}  // namespace

InstructionSet instruction_set() {
  static const InstructionSet chosen = capped_by_environment(best_of_machine());
  return chosen;
}

const char* instruction_set_name() { return kNames[static_cast<int>(instruction_set())]; }

}  // namespace singerprint
