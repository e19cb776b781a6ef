#include "core/tensor_core.h"

#include <c10/util/BFloat16.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <span>

namespace singerprint {
namespace {

constexpr double kUnit = 0x1p-24;  // float32 rounds to this, relatively

TEST(TensorCore, Tf32KeepsTenBitsAndRoundsHalvesAwayFromZero) {
  EXPECT_EQ(float_of_bits(to_tf32(1.0f + 0x1p-10f)), 1.0f + 0x1p-10f);
  EXPECT_EQ(float_of_bits(to_tf32(1.0f + 0x1p-11f)), 1.0f + 0x1p-10f);
  EXPECT_EQ(float_of_bits(to_tf32(-1.0f - 0x1p-11f)), -1.0f - 0x1p-10f);
  EXPECT_EQ(float_of_bits(to_tf32(1.0f + 0x1p-11f - 0x1p-23f)), 1.0f);
  EXPECT_EQ(float_of_bits(to_tf32(std::numeric_limits<float>::infinity())), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(float_of_bits(to_tf32(float_of_bits(0x7FFFFFFFu)))));
}

TEST(TensorCore, Bfloat16IsPyTorchs) {
  std::mt19937 bits(0);
  for (int i = 0; i < 100000; ++i) {
    const float first = float_of_bits(static_cast<std::uint32_t>(bits())), second = static_cast<float>(i) * 0x1p-9f;
    const std::uint32_t word = to_bfloat16(first, second);
    const auto expected = static_cast<float>(c10::BFloat16(first));
    const float result = Bfloat16Words::value_of(word, 0);
    EXPECT_TRUE(result == expected || (std::isnan(result) && std::isnan(expected))) << first;
    EXPECT_EQ(Bfloat16Words::value_of(word, 1), static_cast<float>(c10::BFloat16(second)));
  }
}

TEST(TensorCore, LargeAndSmallMakeUpAFloat) {
  std::mt19937 random(0);
  std::normal_distribution<float> normal;
  for (int i = 0; i < 100000; ++i) {
    const float value = normal(random);
    std::uint32_t parts[2];
    Tf32x3::split(Tf32x3::word_of({value}), parts);
    const double sum = static_cast<double>(float_of_bits(parts[0])) + static_cast<double>(float_of_bits(parts[1]));
    EXPECT_LE(std::abs(sum - static_cast<double>(value)), 0x1p-23 * std::abs(static_cast<double>(value)));
  }
}

// Where an element lies, in the words of the PTX ISA: groupID = lane / 4, threadID_in_group = lane % 4.
struct Place {
  int row, column;
};

// m16n8k8 in TF32: a0 ... a3 and b0, b1; m16n8k16 in bfloat16: a0 ... a7 and b0 ... b3.
template <class Format>
Place place_in_a(int lane, int i) {
  const int group = lane / 4, in_group = lane % 4;
  if (Format::Words::kValues == 1) return {i == 0 || i == 2 ? group : group + 8, i < 2 ? in_group : in_group + 4};
  return {i < 2 || (i >= 4 && i < 6) ? group : group + 8, in_group * 2 + (i & 1) + (i < 4 ? 0 : 8)};
}
template <class Format>
Place place_in_b(int lane, int i) {
  const int group = lane / 4, in_group = lane % 4;
  if (Format::Words::kValues == 1) return {i == 0 ? in_group : in_group + 4, group};
  return {in_group * 2 + (i & 1) + (i < 2 ? 0 : 8), group};
}

template <class Format>
class TensorCoreProduct : public testing::Test {
 protected:
  static constexpr int kThreads = 2 * kWarp, kValues = Format::Words::kValues, kDepth = kDepthWords * kValues;
  // Of the sum of |a| |b|: what the format leaves out, and a rounding of float32 for each product.
  static double tolerance() { return std::is_same_v<Format, Tf32x3> ? 0x1p-21 + 3 * kUnit : 0x1p-8 + 0x1p-17; }
};
using Formats = testing::Types<Bfloat16, Tf32x3>;
TYPED_TEST_SUITE(TensorCoreProduct, Formats);

TYPED_TEST(TensorCoreProduct, HoldsItsElementsWhereThePtxManualSays) {
  using Fixture = TensorCoreProduct<TypeParam>;
  constexpr int kThreads = Fixture::kThreads, kValues = Fixture::kValues, kDepth = Fixture::kDepth;
  std::mt19937 random(0);
  std::normal_distribution<float> normal;
  float left[2][kProductRows][kDepth], right[2][kDepth][kProductColumns];  // of each warp
  for (float& value : std::span(&left[0][0][0], sizeof(left) / sizeof(float))) value = normal(random);
  for (float& value : std::span(&right[0][0][0], sizeof(right) / sizeof(float))) value = normal(random);
  PerThread<Fragment<TypeParam, 4>, kThreads> a;
  PerThread<Fragment<TypeParam, 2>, kThreads> b;
  PerThread<float[3][4], kThreads> sums;
  for (int thread = 0; thread < kThreads; ++thread) {
    const int warp = thread / kWarp, lane = thread % kWarp;
    clear(sums[thread]);
    float values[kValues];
    for (int word = 0; word < 4; ++word) {
      for (int v = 0; v < kValues; ++v) {
        const Place place = place_in_a<TypeParam>(lane, word * kValues + v);
        values[v] = left[warp][place.row][place.column];
      }
      a[thread].set(word, TypeParam::word_of(values));
    }
    for (int word = 0; word < 2; ++word) {
      for (int v = 0; v < kValues; ++v) {
        const Place place = place_in_b<TypeParam>(lane, word * kValues + v);
        values[v] = right[warp][place.row][place.column];
      }
      b[thread].set(word, TypeParam::word_of(values));
    }
    sums[thread][1][3] = 1.0f;
  }
  multiply_add_warps<TypeParam, kThreads, 3>(a, b, 1, sums);
  for (int thread = 0; thread < kThreads; ++thread) {
    for (int i = 0; i < 4; ++i) {
      const int row = thread % kWarp / 4 + (i < 2 ? 0 : 8), column = thread % 4 * 2 + (i & 1);
      double expected = i == 3 ? 1.0 : 0.0, magnitude = expected;
      for (int k = 0; k < kDepth; ++k) {
        const double product = static_cast<double>(left[thread / kWarp][row][k]) * right[thread / kWarp][k][column];
        expected += product;
        magnitude += std::abs(product);
      }
      EXPECT_NEAR(sums[thread][1][i], expected, Fixture::tolerance() * magnitude);
      EXPECT_EQ(sums[thread][0][i], 0.0f);
      EXPECT_EQ(sums[thread][2][i], 0.0f);
    }
  }
}

}  // namespace
}  // namespace singerprint
