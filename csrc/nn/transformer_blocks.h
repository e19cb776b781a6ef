// transformer_blocks: what the networks made of transformer blocks share. A block (Vaswani et al. 2017, with the norms
// first as Dosovitskiy et al. 2021, https://arxiv.org/abs/2010.11929) turns tokens x into
//   y = x + linear(attention(norm(x)))         # softmax(q k' / sqrt(dim / heads)) v, head by head
//   z = y + linear(gelu(linear(norm(y))))
// where norm is a layer norm with eps 1e-6 and gelu the exact one. There is no dropout.
#pragma once
#include <ATen/core/Tensor.h>

#include "nn/transformer_layout.h"

namespace singerprint {

inline constexpr double kLayerNormEps = 1e-6;

// Which tokens somebody reads after the last block: where it is the first one alone, the others are not computed.
enum class Outputs { kAllTokens, kFirstToken };

// tokens: (batch, tokens, dim). parameters: kTensorsPerBlock tensors a block, in the layout's order. Returns (batch,
// tokens or 1, dim).
at::Tensor transformer_blocks(const at::Tensor& tokens, at::TensorList parameters, std::int64_t heads, Outputs outputs);

at::Tensor normalized_tokens(const at::Tensor& tokens, const at::Tensor& weight, const at::Tensor& bias);

// The number of blocks that a list of parameters is for; refuses one that is not made of whole blocks.
std::int64_t blocks_of(const char* op, at::TensorList parameters, std::int64_t tensors_around_blocks);

// Size of an axis of a parameter for a layout to be made with: 1 where there is no such axis, which the check against
// that layout will then name.
std::int64_t size_or_one(at::TensorList parameters, std::size_t place, std::int64_t axis);

// spectrograms: (batch, channels, mels, frames), floating point, nothing of it empty. parameters: those of the layout,
// on the device and, outside autocast, of the dtype of the spectrograms.
void check_transformer(const char* op, const at::Tensor& spectrograms, at::TensorList parameters,
                       const DrawnLayout& layout, std::int64_t channels, std::int64_t mels, std::int64_t dim,
                       std::int64_t heads);

}  // namespace singerprint
