#include "dsp/psola.h"

#include <gtest/gtest.h>

namespace singerprint {
namespace {

TEST(SincTable, EveryRowSumsToOne) {
  for (const double widening : {0.25, 1.0, 1.5, 4.0}) {
    const SincTable table = sinc_table(widening);
    for (int phase = 0; phase <= kSincPhases; ++phase) {
      double sum = 0.0;
      for (int tap = 0; tap < table.taps; ++tap)
        sum += table.weights[static_cast<std::size_t>(phase * table.taps + tap)];
      EXPECT_NEAR(sum, 1.0, 1e-6) << phase;  // at most 48 roundings of weights below one: sqrt(48) 2^-25 and less
    }
  }
}

}  // namespace
}  // namespace singerprint
