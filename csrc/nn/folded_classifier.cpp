#include "nn/folded_classifier.h"

#include <algorithm>

namespace singerprint {

void embed_pooled(const FoldedEfficientNet& network, const float* pooled, std::int64_t clips, const Workers& workers,
                  float* embeddings) {
  const PackedFilters& classifier = network.classifier;
  const std::int64_t lanes = network.kernels.lanes, plane = clips * lanes;
  const std::int64_t depth = network.head_channels, in_blocks = depth / lanes;
  const AlignedFloats in(in_blocks * plane), out(classifier.blocks * plane);  // clips are the pixels
  for (std::int64_t clip = 0; clip < clips; ++clip) {
    for (std::int64_t b = 0; b < in_blocks; ++b) {
      std::copy_n(pooled + clip * depth + b * lanes, lanes, in.data() + b * plane + clip * lanes);
    }
  }
  workers.for_each(block_parts(classifier.blocks), [&](std::int64_t part, int) {
    const BlockRange range = block_range(part, classifier.blocks);
    network.kernels.product(
        {in.data(), plane, depth, classifier.weight + range.begin * depth * lanes,
         classifier.bias + range.begin * lanes, nullptr, out.data() + range.begin * plane, plane, Activation::kNone},
        range.count, clips);
  });
  for (std::int64_t clip = 0; clip < clips; ++clip) {
    for (std::int64_t n = 0; n < network.embedding_dim; ++n) {
      embeddings[clip * network.embedding_dim + n] = out.data()[n / lanes * plane + clip * lanes + n % lanes];
    }
  }
}

}  // namespace singerprint
