// The Values that this machine's instruction set multiplies: tests of kernels run for each, and skip the others.
#pragma once
#include <gtest/gtest.h>

#include <type_traits>

#include "nn/pixel_kernels.h"

namespace singerprint {

using Values = ::testing::Types<float, Bfloat16>;

template <class Value>
bool is_of_machine() {
  return std::is_same_v<Value, float> || multiplies_bfloat16();
}

template <class Value>
class OfMachine : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!is_of_machine<Value>()) GTEST_SKIP() << "this instruction set multiplies no bfloat16";
  }
};

template <class Value>
PixelKernels<Value> kernels_of_machine() {
  if constexpr (std::is_same_v<Value, float>) {
    return SINGERPRINT_LANES(pixel_kernels)();
  } else {
#if defined(__x86_64__)
    return avx512_bf16::pixel_kernels();
#else
    return {};
#endif
  }
}

}  // namespace singerprint
