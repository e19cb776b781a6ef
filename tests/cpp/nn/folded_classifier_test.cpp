#include "nn/folded_classifier.h"

#include <gtest/gtest.h>

#include <random>

#include "folded_network.h"
#include "unusual_workers.h"
#include "values_of_machine.h"

namespace singerprint {
namespace {

template <class Value>
class FoldedClassifiers : public OfMachine<Value> {};
TYPED_TEST_SUITE(FoldedClassifiers, Values);

TYPED_TEST(FoldedClassifiers, TheLastLayerIsLinear) {
  const OwnedTensors owned(1, 21);
  const auto network = fold_efficientnet<TypeParam>(owned.tensors);
  const std::int64_t depth = network.head_channels;
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  std::vector<float> pooled(3 * depth);
  for (float& value : pooled) value = normal(generator);
  const auto rounded = [](float value) { return static_cast<double>(static_cast<float>(TypeParam(value))); };
  std::vector<float> embeddings(3 * 21);
  embed_pooled(network, pooled.data(), 3, unusual_workers(2), embeddings.data());
  const auto &weight = owned.values[owned.values.size() - 2], &bias = owned.values.back();
  for (int clip = 0; clip < 3; ++clip) {
    for (int n = 0; n < 21; ++n) {
      double expected = bias[n];
      for (int k = 0; k < depth; ++k) {
        expected += rounded(pooled[clip * depth + k]) * rounded(weight[n * depth + k]);
      }
      EXPECT_NEAR(embeddings[clip * 21 + n], expected, 1e-5);  // 1280 roundings of sums about 1, at random: 36 * 6e-8
    }
  }
}

}  // namespace
}  // namespace singerprint
