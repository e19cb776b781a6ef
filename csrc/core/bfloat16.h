// Bfloat16: the upper half of a float32. Its range, with 8 bits of precision instead of 24.
#pragma once
#include <cstdint>
#include <cstring>

namespace singerprint {

struct Bfloat16 {
  std::uint16_t bits;

  Bfloat16() = default;
  // To the nearest, of two as near to the even one. NaN stays NaN.
  explicit Bfloat16(float value) {
    std::uint32_t of_float;
    std::memcpy(&of_float, &value, sizeof(of_float));
    const std::uint32_t rounded = of_float + 0x7fff + (of_float >> 16 & 1);
    bits = static_cast<std::uint16_t>((value == value ? rounded : of_float | 0x400000) >> 16);
  }
  explicit operator float() const {
    const std::uint32_t of_float = static_cast<std::uint32_t>(bits) << 16;
    float value;
    std::memcpy(&value, &of_float, sizeof(value));
    return value;
  }
};

}  // namespace singerprint
