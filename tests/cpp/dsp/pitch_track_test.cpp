#include "dsp/pitch_track.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>

#include "dsp/pitch_candidates.h"

namespace singerprint {
namespace {

TEST(Log2Of, IsWithinTwoUnitsInTheLastPlaceOfLog2) {
  for (std::uint32_t bits = 0x00800000; bits < 0x7f800000; bits += 9973) {
    const float x = std::bit_cast<float>(bits);
    const double expected = std::log2(static_cast<double>(x));
    const double unit = std::max(std::ldexp(1.0, std::ilogb(expected) - 23), 0x1p-24);
    EXPECT_NEAR(log2_of(x), expected, 2.0 * unit) << x;
  }
}

}  // namespace
}  // namespace singerprint
