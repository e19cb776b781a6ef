#include "nn/transformer_blocks.h"

#include <gtest/gtest.h>

#include "drawn_tensors.h"

namespace singerprint {
namespace {

constexpr std::int64_t kDim = 12, kHeads = 3, kLayers = 2;

std::vector<at::Tensor> block_tensors() {
  const auto all = drawn_tensors(vit_layout({1, 16, 16, 1, 16, {kDim, kLayers, 20}}));
  return {all.begin() + kVitTensorsBeforeBlocks, all.end() - kVitTensorsAfterBlocks};
}

TEST(TransformerBlocks, TheFirstTokenAloneIsThatOfAll) {
  const auto parameters = block_tensors();
  const at::Tensor tokens = at::randn({2, 7, kDim});
  const at::Tensor all = transformer_blocks(tokens, parameters, kHeads, Outputs::kAllTokens);
  const at::Tensor first = transformer_blocks(tokens, parameters, kHeads, Outputs::kFirstToken);
  ASSERT_EQ(first.sizes(), (at::IntArrayRef{2, 1, kDim}));
  // The same sums of float32 products, in matrices of another shape.
  EXPECT_TRUE(first.allclose(all.narrow(1, 0, 1), 1e-5, 1e-5));
}

TEST(TransformerBlocks, TokensThatChangePlacesGiveTheSameInTheirNewPlaces) {
  const auto parameters = block_tensors();
  const at::Tensor tokens = at::randn({1, 6, kDim});
  const at::Tensor straight = transformer_blocks(tokens, parameters, kHeads, Outputs::kAllTokens);
  const at::Tensor turned = transformer_blocks(tokens.flip({1}), parameters, kHeads, Outputs::kAllTokens);
  EXPECT_TRUE(turned.flip({1}).allclose(straight, 1e-5, 1e-5));
}

TEST(TransformerBlocks, WithoutWeightsTokensPass) {
  std::vector<at::Tensor> parameters = block_tensors();
  for (at::Tensor& parameter : parameters) parameter.zero_();
  const at::Tensor tokens = at::randn({2, 5, kDim});
  EXPECT_TRUE(transformer_blocks(tokens, parameters, kHeads, Outputs::kAllTokens).equal(tokens));
}

TEST(TransformerBlocks, ParametersThatAreNoWholeBlocksAreRefused) {
  const auto parameters = block_tensors();
  EXPECT_EQ(blocks_of("op", parameters, 0), kLayers);
  EXPECT_THROW(blocks_of("op", parameters, 1), c10::ValueError);
  EXPECT_THROW(blocks_of("op", parameters, kLayers * kTensorsPerBlock), c10::ValueError);
}

}  // namespace
}  // namespace singerprint
