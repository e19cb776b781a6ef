#include "nn/cnn_transformer.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include "drawn_tensors.h"

namespace singerprint {
namespace {

constexpr std::int64_t kMels = 20, kHeads = 3;
const CnnTransformerShape kShape{1, kMels, 7, 4, {12, 2, 20}};
constexpr std::size_t kPositions = 6, kPositionBias = 7;

at::Tensor embed(const at::Tensor& spectrograms, at::TensorList parameters) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::cnn_transformer", "")
                             .typed<at::Tensor(const at::Tensor&, at::TensorList, std::int64_t, std::int64_t)>();
  return op.call(spectrograms, parameters, kMels, kHeads);
}

TEST(CnnTransformer, GivesOneEmbeddingPerClipOfAnyLength) {
  const auto parameters = drawn_tensors(cnn_transformer_layout(kShape));
  for (const std::int64_t frames : {1, 2, 9, 345, 1723}) {
    const at::Tensor result = embed(at::randn({2, 1, kMels, frames}), parameters);
    EXPECT_EQ(result.sizes(), (at::IntArrayRef{2, 7})) << frames;
    EXPECT_TRUE(result.isfinite().all().item<bool>()) << frames;
  }
}

// Without positions tokens are a set: all of them alike are pooled to one of them, however many there are.
TEST(CnnTransformer, AConstantClipWithoutPositionsHasNoLength) {
  auto parameters = drawn_tensors(cnn_transformer_layout(kShape));
  for (const std::size_t place : {kPositions, kPositionBias}) parameters[place].zero_();
  parameters[0].zero_();  // and without the first convolution's borders
  parameters[2].slice(2, 0, 3).select(3, 0).zero_();
  parameters[2].slice(2, 0, 3).select(3, 2).zero_();
  const at::Tensor one = embed(at::ones({1, 1, kMels, 4}), parameters);
  EXPECT_TRUE(embed(at::ones({1, 1, kMels, 400}), parameters).allclose(one, 1e-4, 1e-5));  // means of 100 tokens
}

TEST(CnnTransformer, TheInputIsNotChanged) {
  const at::Tensor spectrograms = at::randn({2, 1, kMels, 70});
  const at::Tensor before = spectrograms.clone();
  embed(spectrograms, drawn_tensors(cnn_transformer_layout(kShape)));
  EXPECT_TRUE(spectrograms.equal(before));
}

}  // namespace
}  // namespace singerprint
