#include "core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace singerprint {
namespace {

using Words = std::array<std::uint32_t, 4>;

Words philox_words(Words counter, std::uint32_t key_low, std::uint32_t key_high) {
  const PhiloxBlock block = philox({{counter[0], counter[1], counter[2], counter[3]}}, {key_low, key_high});
  return {block.word[0], block.word[1], block.word[2], block.word[3]};
}

// "philox4x32 10" in kat_vectors of Random123 (D. E. Shaw Research).
TEST(Random, PhiloxGivesThePublishedAnswers) {
  EXPECT_EQ(philox_words({0, 0, 0, 0}, 0, 0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox_words({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffff, 0xffffffff),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox_words({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, ASeedIsItsTwoHalvesAndAStreamSaysItsKind) {
  const DrawStream draws = draw_stream(-2, 0xfedcba98, 7, 258, DrawKind::kPerSample);
  EXPECT_EQ(draws.key.low, 0xfffffffeu);
  EXPECT_EQ(draws.key.high, 0xffffffffu);
  EXPECT_EQ(draws.clip_id, 0xfedcba98u);
  EXPECT_EQ(draws.epoch, 7u);
  EXPECT_EQ(draws.stream, 0x80000102u);
  EXPECT_EQ(draw_stream(0, 0, 0, 258, DrawKind::kParameters).stream, 258u);
}

TEST(Random, UniformsFillTheHalfOpenInterval) {
  EXPECT_EQ(uniform_of(0), 0.0f);
  EXPECT_EQ(uniform_of(0x80000000u), 0.5f);
  EXPECT_EQ(uniform_of(0xffffffffu), 1.0f - 0x1p-24f);  // the largest float below 1
}

double worst_relative_error_of_log(float from, float to) {
  double worst = 0;
  for (float u = from; u < to; u = std::nextafter(u * 1.00001f, 2.0f)) {
    const double exact = -2.0 * std::log(static_cast<double>(u));
    worst = std::max(worst, std::abs(minus_two_log<float, std::uint32_t>(u) - exact) / exact);
  }
  return worst;
}

TEST(Random, TheLogarithmIsGoodToThreeUlps) {
  EXPECT_EQ((minus_two_log<float, std::uint32_t>(1.0f)), 0.0f);
  // An ulp is at most 2^-23 of a number.
  EXPECT_LT(worst_relative_error_of_log(0x1p-33f, 0.5f), 3 * 0x1p-23);
  EXPECT_LT(worst_relative_error_of_log(0.5f, 1.0f), 3 * 0x1p-23);
}

TEST(Random, SineAndCosineAreGoodToTwoTenMillionths) {
  double worst = 0;
  for (int step = -100000; step <= 100000; ++step) {
    const float t = static_cast<float>(step) / 200000.0f;
    const double angle = std::numbers::pi * static_cast<double>(t);
    worst = std::max(worst, std::abs(cosine_of_half_turns(t) - std::cos(angle)));
    worst = std::max(worst, std::abs(sine_of_half_turns(t) - std::sin(angle)));
  }
  EXPECT_LT(worst, 2e-7);
}

struct Polar {
  double radius, angle;
};

Polar box_muller_in_double(std::uint32_t word0, std::uint32_t word1) {
  const double u = static_cast<float>(static_cast<float>(word0) * 0x1p-32 + 0x1p-33);
  return {std::sqrt(-2.0 * std::log(u)), 2.0 * std::numbers::pi * (word1 * 0x1p-32)};
}

// The largest error of both normals, as a part of their radius.
double error_of_normals(std::uint32_t word0, std::uint32_t word1) {
  float first, second;
  box_muller(word0, word1, first, second);
  const Polar exact = box_muller_in_double(word0, word1);
  const double error = std::max(std::abs(first - exact.radius * std::cos(exact.angle)),
                                std::abs(second - exact.radius * std::sin(exact.angle)));
  return exact.radius == 0 ? error : error / exact.radius;
}

// At most 2e-7 from sine or cosine and 2.5 ulps (3e-7) from radius and product; the worst of both do not meet.
constexpr double kErrorPerRadius = 3e-7;

TEST(Random, NormalsEqualBoxMullerInDouble) {
  const DrawStream draws = draw_stream(5, 1, 2, 3, DrawKind::kPerSample);
  double worst = 0;
  for (std::uint32_t index = 0; index < 200000; ++index) {
    const PhiloxBlock block = draw_block(draws, index);
    worst = std::max(worst, error_of_normals(block.word[0], block.word[1]));
    worst = std::max(worst, error_of_normals(block.word[2], block.word[3]));
  }
  EXPECT_LT(worst, kErrorPerRadius);
}

TEST(Random, TheExtremeWordsGiveFiniteNormals) {
  const std::uint32_t extremes[] = {0, 1, 0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, 0xbfffffff, 0xffffffff};
  for (const std::uint32_t word0 : extremes) {
    for (const std::uint32_t word1 : extremes) {
      EXPECT_LT(error_of_normals(word0, word1), kErrorPerRadius) << word0 << ' ' << word1;  // NaN is not less
    }
  }
}

TEST(Random, TheLongestRadiusIsWhatTheHeaderSays) {
  float first, second;
  box_muller(0u, 0u, first, second);
  EXPECT_NEAR(first, std::sqrt(66.0 * std::log(2.0)), 2e-6);  // 6.7637
  EXPECT_EQ(second, 0.0f);
}

}  // namespace
}  // namespace singerprint
