// multiply_add: the scalar form of core/lane.h's, for arithmetic that is written once for lanes, the host and CUDA.
#pragma once
#include "core/host_device.h"

namespace singerprint {

SINGERPRINT_HOST_DEVICE inline float multiply_add(float a, float b, float c) {
#ifdef __CUDA_ARCH__
  return fmaf(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}

}  // namespace singerprint
