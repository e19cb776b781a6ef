// cnn_transformer: from spectrograms to embeddings, convolutions and then transformer blocks over time.
//   pictures  = relu(conv(relu(conv(spectrograms))))         # 3 x 3, stride 2 of mels and frames each
//   tokens    = linear(pictures), one for each column        # (batch, ceil(frames / 4), dim)
//   tokens   += positions(tokens)                            # a depthwise convolution over 15 tokens
//   heard     = norm(blocks(tokens))
//   embedding = linear(sum over tokens of softmax(attention_pool(heard)) * heard)
//
// The front is that of speech recognisers (Dong et al. 2018, "Speech-Transformer"; Gulati et al. 2020, "Conformer",
// https://arxiv.org/abs/2005.08100, section 2.1: convolution subsampling by 4); the pooling is the SeqPool of Hassani
// et al. 2021, "Compact transformers" (https://arxiv.org/abs/2104.05704, equations 4 to 6); the positions are those of
// Chu et al. 2021, "Conditional positional encodings" (https://arxiv.org/abs/2102.10882), which know no absolute time
// and so no longest clip.
#pragma once
#include <ATen/core/Tensor.h>

namespace singerprint {

// spectrograms: (batch, channels, mels, frames), any floating dtype, at least one frame. parameters: the tensors of
// cnn_transformer_layout in its order; on the device and, outside autocast, of the dtype of spectrograms. mels: of the
// spectrograms; heads: of each block's attention, divides dim. Returns (batch, embedding_dim).
at::Tensor cnn_transformer(const at::Tensor& spectrograms, at::TensorList parameters, std::int64_t mels,
                           std::int64_t heads);

}  // namespace singerprint
