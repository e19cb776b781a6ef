#include "core/dispatch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace singerprint {
namespace {

TEST(Dispatch, NeverGoesBeyondTheCapOfTheEnvironment) {
  const char* const cap = std::getenv("SINGERPRINT_INSTRUCTION_SET");
  if (cap == nullptr) GTEST_SKIP() << "ctest sets SINGERPRINT_INSTRUCTION_SET";
  const std::string name = instruction_set_name();
  if (std::string(cap) == "baseline") {
    EXPECT_EQ(name, "baseline");
  }
  if (std::string(cap) == "avx2") {
    EXPECT_TRUE(name == "avx2" || name == "baseline");
  }
  if (std::string(cap) == "avx512") {
    EXPECT_NE(name, "avx512_bf16");
  }
}

TEST(Dispatch, AnUnknownNameIsNamed) {
  const char* const cap = std::getenv("SINGERPRINT_INSTRUCTION_SET");
  if (cap == nullptr || std::string(cap) != "sse2") GTEST_SKIP() << "ctest runs it alone, with the name sse2";
  try {
    instruction_set();
    FAIL() << "sse2 was accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "SINGERPRINT_INSTRUCTION_SET must be baseline, avx2, avx512 or avx512_bf16, got sse2");
  }
}

TEST(Dispatch, SelectsTheFunctionOfTheChosenSet) {
  int baseline = 0, avx2 = 1, avx512 = 2;
  EXPECT_EQ(*select_lanes(&baseline, &avx2, &avx512), std::min(static_cast<int>(instruction_set()), 2));
}

}  // namespace
}  // namespace singerprint
