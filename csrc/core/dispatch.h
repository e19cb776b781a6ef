// Which instruction set the lanes kernels run with: the best that this machine has, capped by the environment variable
// SINGERPRINT_INSTRUCTION_SET (baseline, avx2, avx512 or avx512_bf16), which lets the tests run all of them on one
// machine. avx512_bf16 is AVX-512 with products of bfloat16: kernels that have no use for those run as for avx512.
#pragma once

namespace singerprint {

enum class InstructionSet { kBaseline, kAvx2, kAvx512, kAvx512Bf16 };

// Read once, at the first call. Throws std::invalid_argument when the variable holds another word.
InstructionSet instruction_set();
const char* instruction_set_name();
// Whether there are kernels with products of bfloat16, in the namespace avx512_bf16.
inline bool multiplies_bfloat16() { return instruction_set() == InstructionSet::kAvx512Bf16; }

}  // namespace singerprint

// SINGERPRINT_DECLARE_LANES(void, gain_lanes, (const float* waveform, ...)) declares the function in the namespace of
// every instruction set; SINGERPRINT_LANES(gain_lanes) is the address of the one to call. SINGERPRINT_NARROW_LANES is
// for work that fills no more than 8 lanes: where AVX-512 is made of two halves, 16 of them cost double.
#if defined(__x86_64__)
#define SINGERPRINT_DECLARE_LANES(result, name, arguments) \
  namespace baseline {                                     \
  result name arguments;                                   \
  }                                                        \
  namespace avx2 {                                         \
  result name arguments;                                   \
  }                                                        \
  namespace avx512 {                                       \
  result name arguments;                                   \
  }
#define SINGERPRINT_LANES(name) ::singerprint::select_lanes(&baseline::name, &avx2::name, &avx512::name)
#define SINGERPRINT_NARROW_LANES(name) ::singerprint::select_lanes(&baseline::name, &avx2::name, &avx2::name)
#else
#define SINGERPRINT_DECLARE_LANES(result, name, arguments) \
  namespace baseline {                                     \
  result name arguments;                                   \
  }
#define SINGERPRINT_LANES(name) (&baseline::name)
#define SINGERPRINT_NARROW_LANES(name) (&baseline::name)
#endif

namespace singerprint {

template <class Function>
Function* select_lanes(Function* baseline, Function* avx2, Function* avx512) {
  switch (instruction_set()) {
    case InstructionSet::kAvx512:
    case InstructionSet::kAvx512Bf16:
      return avx512;
    case InstructionSet::kAvx2:
      return avx2;
    default:
      return baseline;
  }
}

}  // namespace singerprint
