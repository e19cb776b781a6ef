#include "augment/draw_uniform.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

namespace singerprint {
namespace {

at::Tensor draw_uniform(std::int64_t seed, const at::Tensor& clip_ids, std::int64_t stream, std::int64_t count) {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("singerprint::draw_uniform", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, std::int64_t, std::int64_t)>();
  return op.call(at::scalar_tensor(seed, at::kLong), clip_ids, at::zeros_like(clip_ids), stream, count);
}

// The first published answer of Philox4x32-10: counter 0, key 0.
TEST(DrawUniform, TheZeroKeyGivesThePublishedWords) {
  const at::Tensor result = draw_uniform(0, at::zeros({1}, at::kLong), 0, 4);
  const at::Tensor top24 = at::tensor({0x6627e8, 0xe169c5, 0xbc57ac, 0x9b00db}, at::kFloat);
  EXPECT_TRUE(result[0].equal(top24 * 0x1p-24f));
}

TEST(DrawUniform, ALongerRowBeginsWithTheShorter) {
  const at::Tensor clip_ids = at::arange(3, at::kLong);
  const at::Tensor row = draw_uniform(9, clip_ids, 1, 11);
  for (std::int64_t count = 0; count < 11; ++count) {
    EXPECT_TRUE(draw_uniform(9, clip_ids, 1, count).equal(row.slice(1, 0, count))) << count;
  }
}

TEST(DrawUniform, EveryClipHasItsOwnRow) {
  const at::Tensor result = draw_uniform(9, at::tensor({4, 5, 4}, at::kLong), 1, 8);
  EXPECT_TRUE(result[0].equal(result[2]));
  EXPECT_FALSE(result[0].equal(result[1]));
}

}  // namespace
}  // namespace singerprint
