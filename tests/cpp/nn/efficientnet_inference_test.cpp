#include "nn/efficientnet_inference.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "folded_network.h"
#include "nn/efficientnet.h"

namespace singerprint {
namespace {

struct Network {
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> statistics;

  Network(std::int64_t in_channels, std::int64_t embedding_dim) {
    const OwnedTensors owned(in_channels, embedding_dim);
    for (std::size_t i = 0; i < owned.layout.size(); ++i) {
      if (owned.layout[i].kind == TensorKind::kNumBatchesTracked) continue;
      const at::Tensor tensor = at::tensor(owned.values[i]).view(owned.layout[i].shape);
      (owned.layout[i].is_parameter() ? parameters : statistics).push_back(tensor);
    }
    fit_statistics(at::randn({8, in_channels, 96, 128}));
  }

  // Statistics of a batch, as those that training leaves.
  void fit_statistics(const at::Tensor& spectrograms) {
    efficientnet(kEfficientNetB0, spectrograms, parameters, statistics, true, 1.0, 1e-5);
  }

  at::Tensor embed(const at::Tensor& spectrograms) const {
    return efficientnet(kEfficientNetB0, spectrograms, parameters, statistics, false, 0.1, 1e-5);
  }

  // By PyTorch's operators.
  at::Tensor embed_in_double(const at::Tensor& spectrograms) const {
    const auto in_double = [](std::vector<at::Tensor> tensors) {
      for (at::Tensor& tensor : tensors) tensor = tensor.to(at::kDouble);
      return tensors;
    };
    return efficientnet(kEfficientNetB0, spectrograms.to(at::kDouble), in_double(parameters), in_double(statistics),
                        false, 0.1, 1e-5);
  }
};

double relative_error(const at::Tensor& result, const at::Tensor& expected) {
  return ((result.to(at::kDouble) - expected).norm() / expected.norm()).item<double>();
}

TEST(EfficientNetInference, EqualsTheOperatorsInDouble) {
  at::manual_seed(0);
  for (const std::int64_t channels : {1, 3}) {
    const Network network(channels, 37);
    for (const auto& [mels, frames] : {std::pair{80, 345}, {128, 87}, {33, 1}, {1, 1}, {40, 33}, {64, 501}}) {
      const at::Tensor spectrograms = at::randn({2, channels, mels, frames});
      ASSERT_TRUE(infers_natively(spectrograms, network.parameters, network.statistics));
      // The project's promise.
      EXPECT_LE(relative_error(network.embed(spectrograms), network.embed_in_double(spectrograms)), 1e-5)
          << channels << " x " << mels << " x " << frames;
    }
  }
}

TEST(EfficientNetInference, InBfloat16ItErrsNoMoreThanTheOperators) {
  at::manual_seed(0);
  Network network(2, 37);
  const auto round_all = [](std::vector<at::Tensor>& tensors) {
    for (at::Tensor& tensor : tensors) tensor = tensor.to(at::kBFloat16);
  };
  round_all(network.parameters);
  round_all(network.statistics);
  const at::Tensor spectrograms = at::randn({8, 2, 80, 87}).to(at::kBFloat16);
  ASSERT_TRUE(infers_natively(spectrograms, network.parameters, network.statistics));
  const at::Tensor native = network.embed(spectrograms);
  network.parameters[0].requires_grad_();
  const at::Tensor by_operators = network.embed(spectrograms).detach();
  EXPECT_EQ(native.scalar_type(), at::kBFloat16);
  EXPECT_EQ(by_operators.scalar_type(), at::kBFloat16);
  const at::Tensor expected = network.embed_in_double(spectrograms).detach();
  EXPECT_LE(relative_error(native, expected), relative_error(by_operators, expected));
}

TEST(EfficientNetInference, AChangedTensorIsFoldedAnew) {
  at::manual_seed(0);
  Network network(1, 8);
  const at::Tensor spectrograms = at::randn({1, 1, 40, 33});
  at::Tensor before = network.embed(spectrograms);
  const auto expect_new = [&](const char* what) {
    const at::Tensor now = network.embed(spectrograms);
    EXPECT_FALSE(now.equal(before)) << what;
    // Statistics that do not fit the weights any more may enlarge roundings; a change that is overlooked is far more.
    EXPECT_LE(relative_error(now, network.embed_in_double(spectrograms)), 1e-3) << what;
    before = now;
  };
  network.parameters[100].view(-1)[7] += 1;  // counted: a single value is enough
  expect_new("parameter");
  network.statistics[11].mul_(1.5);
  expect_new("statistic");
  network.parameters[5] = network.parameters[5].clone() * 2;
  expect_new("other tensor");
  network.parameters[5].unsafeGetTensorImpl()->set_storage_and_dtype(  // as tensor.data = ... does
      (network.parameters[5] * 2).storage(), network.parameters[5].dtype());
  expect_new("other storage");
  at::Tensor(network.parameters[0].variable_data()).mul_(2);  // tensor.data.mul_(2), which nobody counts
  expect_new("data");
}

TEST(EfficientNetInference, NetworksTakeTurns) {
  std::vector<Network> networks;
  for (int i = 0; i < 10; ++i) {  // more than stay folded
    networks.emplace_back(1, 8);
    networks.back().parameters.back().fill_(i);
  }
  const at::Tensor spectrograms = at::randn({1, 1, 33, 32});
  std::vector<at::Tensor> first;
  for (const Network& network : networks) first.push_back(network.embed(spectrograms));
  for (int i = 9; i >= 0; --i) EXPECT_TRUE(networks[i].embed(spectrograms).equal(first[i]));
  EXPECT_FALSE(first[0].equal(first[1]));
}

TEST(EfficientNetInference, OnlyPlainInferenceIsNative) {
  Network network(1, 8);
  const at::Tensor spectrograms = at::randn({1, 1, 33, 32});
  const auto native = [&] { return infers_natively(spectrograms, network.parameters, network.statistics); };
  EXPECT_TRUE(native());
  EXPECT_FALSE(infers_natively(spectrograms.to(at::kDouble), network.parameters, network.statistics));
  network.parameters[3].requires_grad_();
  EXPECT_FALSE(native());
  const c10::AutoGradMode no_grad(false);
  EXPECT_TRUE(native());
}

}  // namespace
}  // namespace singerprint
