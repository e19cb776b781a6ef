#include "nn/efficientnet_module.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>
#include <torch/serialize.h>

#include <sstream>

#include "nn/efficientnet_layout.h"

namespace singerprint {
namespace {

at::Tensor embed_by_op(const at::Tensor& spectrograms, const EfficientNetB0& network, bool training) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::efficientnet_b0", "")
                             .typed<at::Tensor(const at::Tensor&, at::TensorList, at::TensorList, bool, double, double,
                                               const std::optional<at::Tensor>&, const std::optional<at::Tensor>&)>();
  std::vector<at::Tensor> statistics;
  for (const auto& buffer : network->named_buffers()) {
    if (buffer.key().find("num_batches_tracked") == std::string::npos) statistics.push_back(buffer.value());
  }
  return op.call(spectrograms, network->parameters(), statistics, training, 0.1, 1e-5, {}, {});
}

// The twin's order of registration is the op's order of tensors: were it not, the op would refuse a shape.
TEST(EfficientNetModule, EqualsTheOp) {
  EfficientNetB0 network(1, 12);
  const at::Tensor spectrograms = at::randn({2, 1, 33, 40});
  EXPECT_TRUE(network->forward(spectrograms).equal(embed_by_op(spectrograms, network, true)));
  network->eval();
  EXPECT_TRUE(network->forward(spectrograms).equal(embed_by_op(spectrograms, network, false)));
}

TEST(EfficientNetModule, HasTheNamesOfTheLayout) {
  EfficientNetB0 network(3, 12);
  const auto parameters = network->named_parameters();
  const auto buffers = network->named_buffers();
  const auto layout = efficientnet_layout(kEfficientNetB0, 3, 12);
  EXPECT_EQ(parameters.size() + buffers.size(), layout.size());
  for (const TensorLayout& tensor : layout) {
    const at::Tensor* const found = (tensor.is_parameter() ? parameters : buffers).find(tensor.name);
    ASSERT_NE(found, nullptr) << tensor.name;
    EXPECT_EQ(found->sizes(), at::IntArrayRef(tensor.shape)) << tensor.name;
  }
}

TEST(EfficientNetModule, B4HasTheWeightsOfItsLayoutAndEmbeds) {
  EfficientNetB4 network(1, 12);
  const auto parameters = network->named_parameters();
  for (const TensorLayout& tensor : efficientnet_layout(kEfficientNetB4, 1, 12)) {
    if (!tensor.is_parameter()) continue;
    const at::Tensor* const found = parameters.find(tensor.name);
    ASSERT_NE(found, nullptr) << tensor.name;
    EXPECT_EQ(found->sizes(), at::IntArrayRef(tensor.shape)) << tensor.name;
  }
  network->eval();
  const at::Tensor embeddings = network->forward(at::randn({2, 1, 33, 40}));
  EXPECT_EQ(embeddings.sizes(), (at::IntArrayRef{2, 12}));
  EXPECT_TRUE(embeddings.isfinite().all().item<bool>());
}

TEST(EfficientNetModule, OnlyTrainingChangesTheBuffers) {
  EfficientNetB0 network(1, 12);
  const at::Tensor spectrograms = at::randn({2, 1, 33, 40});
  const at::Tensor mean = network->named_buffers()["features.0.1.running_mean"];
  const at::Tensor tracked = network->named_buffers()["features.8.1.num_batches_tracked"];
  network->eval();
  network->forward(spectrograms);
  EXPECT_TRUE(mean.equal(at::zeros({32})));
  EXPECT_EQ(tracked.item<std::int64_t>(), 0);
  network->train();
  network->forward(spectrograms);
  EXPECT_FALSE(mean.equal(at::zeros({32})));
  EXPECT_EQ(tracked.item<std::int64_t>(), 1);
}

TEST(EfficientNetModule, EveryParameterHasAGradient) {
  EfficientNetB0 network(1, 12);
  network->forward(at::randn({2, 1, 64, 64})).square().sum().backward();
  for (const auto& parameter : network->named_parameters()) {
    ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
    EXPECT_TRUE(parameter.value().grad().isfinite().all().item<bool>()) << parameter.key();
  }
}

TEST(EfficientNetModule, FollowsItsTensorsToAnotherDtype) {
  EfficientNetB0 network(1, 12);
  network->to(torch::kDouble);
  EXPECT_EQ(network->forward(at::randn({2, 1, 33, 40}, torch::kDouble)).scalar_type(), torch::kDouble);
}

TEST(EfficientNetModule, ASavedNetworkEmbedsAlike) {
  EfficientNetB0 network(1, 12), other(1, 12);
  const at::Tensor spectrograms = at::randn({2, 1, 33, 40});
  network->forward(spectrograms);
  std::stringstream file;
  torch::save(network, file);
  torch::load(other, file);
  network->eval();
  other->eval();
  EXPECT_TRUE(other->forward(spectrograms).equal(network->forward(spectrograms)));
}

}  // namespace
}  // namespace singerprint
