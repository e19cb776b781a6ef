#include "nn/cnn_transformer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/relu.h>

#include <memory>

#include "core/cache.h"
#include "core/check.h"
#include "core/precompiled.h"
#include "nn/transformer_blocks.h"

namespace singerprint {
namespace {

constexpr const char* kOp = "cnn_transformer";
enum Place : std::size_t { kFront = 0, kTokens = 4, kPositions = 6 };  // weights; each bias follows its weight

CnnTransformerShape shape_of(at::TensorList parameters, std::int64_t mels) {
  const std::int64_t layers = blocks_of(kOp, parameters, kCnnTensorsBeforeBlocks + kCnnTensorsAfterBlocks);
  TORCH_CHECK_VALUE(mels > 0, kOp, ": mels must be at least 1, got ", mels);
  return {size_or_one(parameters, kFront, 1),
          mels,
          size_or_one(parameters, parameters.size() - 1, 0),
          size_or_one(parameters, kFront, 0),
          {size_or_one(parameters, kTokens, 0), layers,
           size_or_one(parameters, kCnnTensorsBeforeBlocks + kHiddenInBlock, 0)}};
}

void check_arguments(const at::Tensor& spectrograms, at::TensorList parameters, std::int64_t mels, std::int64_t heads) {
  const CnnTransformerShape shape = shape_of(parameters, mels);
  static Cache<CnnTransformerShape, DrawnLayout> layouts(8);
  const auto layout =
      layouts.get(shape, [&] { return std::make_shared<const DrawnLayout>(cnn_transformer_layout(shape)); });
  check_transformer(kOp, spectrograms, parameters, *layout, shape.channels, mels, shape.blocks.dim, heads);
}

// (batch, ceil(frames / 4), dim)
at::Tensor tokens_of(const at::Tensor& spectrograms, at::TensorList parameters) {
  // channels_last, in which a column is nearly a token already. clone: see efficientnet.cpp, embed.
  at::Tensor pictures = spectrograms.clone(at::MemoryFormat::ChannelsLast);
  for (const std::size_t place : {kFront + 0, kFront + 2}) {
    pictures = at::relu(at::conv2d(pictures, parameters[place], parameters[place + 1], 2, kFrontKernel / 2));
  }
  const at::Tensor columns = pictures.permute({0, 3, 2, 1}).flatten(2);  // (batch, tokens, rows * channels)
  const at::Tensor tokens = at::linear(columns, parameters[kTokens], parameters[kTokens + 1]);
  const at::Tensor& filters = parameters[kPositions];
  const at::Tensor positions = at::conv1d(tokens.transpose(1, 2), filters, parameters[kPositions + 1], 1,
                                          kPositionKernel / 2, 1, filters.size(0));
  return tokens + positions.transpose(1, 2);
}

}  // namespace

at::Tensor cnn_transformer(const at::Tensor& spectrograms, at::TensorList parameters, std::int64_t mels,
                           std::int64_t heads) {
  check_arguments(spectrograms, parameters, mels, heads);
  const std::size_t blocks_end = parameters.size() - kCnnTensorsAfterBlocks;
  const at::TensorList blocks = parameters.slice(kCnnTensorsBeforeBlocks, blocks_end - kCnnTensorsBeforeBlocks);
  const at::TensorList after = parameters.slice(blocks_end);
  const at::Tensor heard = normalized_tokens(
      transformer_blocks(tokens_of(spectrograms, parameters), blocks, heads, Outputs::kAllTokens), after[0], after[1]);
  const at::Tensor shares = at::linear(heard, after[2]).softmax(1);                // (batch, tokens, 1)
  const at::Tensor pooled = at::matmul(shares.transpose(1, 2), heard).squeeze(1);  // (batch, dim)
  return at::linear(pooled, after[3], after[4]);
}

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("cnn_transformer(Tensor spectrograms, Tensor[] parameters, int mels, int heads) -> Tensor",
              &cnn_transformer);
}

}  // namespace singerprint
