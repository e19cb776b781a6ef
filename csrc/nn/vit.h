// vit: from spectrograms to embeddings, a vision transformer (Dosovitskiy et al. 2021,
// https://arxiv.org/abs/2010.11929) as Desblancs et al. 2024 (https://arxiv.org/abs/2407.08647) have it: no norm after
// the blocks, and
//   tokens    = [class_token, linear(patches)] + positions          # a row of patches after the other
//   embedding = gelu(linear(blocks(tokens)[0]))
//
// One functional op over tensors that the caller owns, made of PyTorch's differentiable operators.
#pragma once
#include <ATen/core/Tensor.h>

namespace singerprint {

// spectrograms: (batch, channels, mels, frames), any floating dtype, at least one frame. What the last whole column of
// patches leaves over at the end is not looked at; of less than one column the frames are repeated until it is full.
// Where there are more or fewer columns than positions were learned for, these are interpolated along them (bicubic,
// antialiased, in float32 at least).
// parameters: the tensors of vit_layout in its order; on the device and, outside autocast, of the dtype of
// spectrograms. mels: of the spectrograms; heads: of each block's attention, divides dim. Returns (batch,
// embedding_dim).
at::Tensor vit(const at::Tensor& spectrograms, at::TensorList parameters, std::int64_t mels, std::int64_t heads);

}  // namespace singerprint
