#include "dsp/mel_scale.h"

#include <gtest/gtest.h>

namespace singerprint {
namespace {

// librosa 0.11.0: librosa.hz_to_mel(hz, htk=False) and (hz, htk=True).
struct Literal {
  double hz, slaney, htk;
};
constexpr Literal kLiterals[] = {{0.0, 0.0, 0.0},
                                 {60.0, 0.89999999999999991, 92.681858131656995},
                                 {440.0, 6.5999999999999996, 549.63867538114994},
                                 {999.0, 14.984999999999999, 999.32240432817684},
                                 {1000.0, 14.999999999999998, 999.9855371396244},
                                 {3000.0, 30.979401986098402, 1876.4540601168555},
                                 {8000.0, 45.245640471924965, 2840.0230467083188},
                                 {22050.0, 59.992474637467367, 3923.337321740179}};

TEST(MelScale, EqualsLibrosa) {
  for (const Literal& literal : kLiterals) {
    // The same formulas in double: a few eps of rounding.
    EXPECT_NEAR(hz_to_mel(literal.hz, MelScale::kSlaney), literal.slaney, 4e-15 * (1.0 + literal.slaney));
    EXPECT_NEAR(hz_to_mel(literal.hz, MelScale::kHtk), literal.htk, 4e-15 * (1.0 + literal.htk));
  }
}

TEST(MelScale, ThereAndBackIsWhereItBegan) {
  for (const MelScale scale : {MelScale::kSlaney, MelScale::kHtk}) {
    for (double hz = 0.0; hz < 24000.0; hz += 37.3) {
      // exp(log) amplifies eps by the size of the exponent, below 10; 700 (10^x - 1) cancels near 0 Hz.
      EXPECT_NEAR(mel_to_hz(hz_to_mel(hz, scale), scale), hz, 1e-14 * (hz + 700.0));
    }
  }
}

TEST(MelScale, Rises) {
  for (const MelScale scale : {MelScale::kSlaney, MelScale::kHtk}) {
    for (double hz = 0.0; hz < 24000.0; hz += 1.0) EXPECT_LT(hz_to_mel(hz, scale), hz_to_mel(hz + 1.0, scale));
  }
}

}  // namespace
}  // namespace singerprint
