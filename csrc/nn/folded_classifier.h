// embed_pooled: the linear layer of an EfficientNet, of all clips at once (the clips that nn/folded_clip.h pooled).
#pragma once
#include <cstdint>

#include "nn/folded_efficientnet.h"
#include "nn/workers.h"

namespace singerprint {

// pooled: (clips, head_channels) -> embeddings: (clips, embedding_dim), the linear layer.
template <class Value>
void embed_pooled(const FoldedEfficientNet<Value>& network, const float* pooled, std::int64_t clips,
                  const Workers& workers, float* embeddings);

}  // namespace singerprint
