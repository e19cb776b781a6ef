// The scalar forms of what core/lane.h has for lanes: for arithmetic that is written once for lanes, the host and CUDA.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/host_device.h"

namespace singerprint {

SINGERPRINT_HOST_DEVICE inline float fma(float a, float b, float c) {
#ifdef __CUDA_ARCH__
  return fmaf(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}
void fma(double, double, double) = delete;  // it would be rounded to float: doubles ask for ::fma
SINGERPRINT_HOST_DEVICE inline std::uint32_t bits_of(float a) {
  std::uint32_t bits;
  memcpy(&bits, &a, sizeof(bits));
  return bits;
}
SINGERPRINT_HOST_DEVICE inline float float_of_bits(std::uint32_t bits) {
  float a;
  memcpy(&a, &bits, sizeof(a));
  return a;
}

// The scalar has no cheaper form, as the lanes of the baseline have.
SINGERPRINT_HOST_DEVICE inline float multiply_add(float a, float b, float c) { return fma(a, b, c); }

}  // namespace singerprint
