#include "nn/folded_classifier.h"

#include <algorithm>

namespace singerprint {

template <class Value>
void embed_pooled(const FoldedEfficientNet<Value>& network, const float* pooled, std::int64_t clips,
                  const Workers& workers, float* embeddings) {
  const PackedFilters<Value>& classifier = network.classifier;
  const std::int64_t lanes = network.kernels.lanes, plane = clips * lanes;
  const std::int64_t depth = network.head_channels, in_blocks = depth / lanes;
  const AlignedFloats values(in_blocks * plane / kPaired<Value>),
      out(classifier.blocks * plane);  // clips are the pixels
  auto* const in = reinterpret_cast<Value*>(values.data());
  for (std::int64_t clip = 0; clip < clips; ++clip) {
    for (std::int64_t n = 0; n < depth; ++n) {
      in[n / lanes * plane + clip * lanes + n % lanes] = static_cast<Value>(pooled[clip * depth + n]);
    }
  }
  workers.for_each(block_parts(classifier.blocks), [&](std::int64_t part, int) {
    const BlockRange range = block_range(part, classifier.blocks);
    network.kernels.product_to_float(
        {in, plane, depth, classifier.weight + range.begin * depth * lanes, classifier.bias + range.begin * lanes,
         nullptr, out.data() + range.begin * plane, plane, Activation::kNone},
        range.count, clips);
  });
  for (std::int64_t clip = 0; clip < clips; ++clip) {
    for (std::int64_t n = 0; n < network.embedding_dim; ++n) {
      embeddings[clip * network.embedding_dim + n] = out.data()[n / lanes * plane + clip * lanes + n % lanes];
    }
  }
}

template void embed_pooled(const FoldedEfficientNet<float>&, const float*, std::int64_t, const Workers&, float*);
template void embed_pooled(const FoldedEfficientNet<Bfloat16>&, const float*, std::int64_t, const Workers&, float*);

}  // namespace singerprint
