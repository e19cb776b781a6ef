#include "nn/vit.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include "drawn_tensors.h"

namespace singerprint {
namespace {

constexpr std::int64_t kMels = 32, kHeads = 3;
const VitShape kShape{1, kMels, 64, 7, 16, {12, 2, 20}};

at::Tensor embed(const at::Tensor& spectrograms, at::TensorList parameters) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::vit", "")
                             .typed<at::Tensor(const at::Tensor&, at::TensorList, std::int64_t, std::int64_t)>();
  return op.call(spectrograms, parameters, kMels, kHeads);
}

TEST(Vit, GivesOneEmbeddingPerClipOfAnyLength) {
  const auto parameters = drawn_tensors(vit_layout(kShape));
  for (const std::int64_t frames : {1, 9, 16, 63, 64, 80, 1723}) {
    const at::Tensor result = embed(at::randn({2, 1, kMels, frames}), parameters);
    EXPECT_EQ(result.sizes(), (at::IntArrayRef{2, 7})) << frames;
    EXPECT_TRUE(result.isfinite().all().item<bool>()) << frames;
  }
}

// Interpolation keeps what is the same in all columns, so a constant grid is the same at every length.
TEST(Vit, PositionsThatAreAllTheSameStaySo) {
  auto parameters = drawn_tensors(vit_layout(kShape));
  parameters[1].zero_();
  const at::Tensor spectrograms = at::randn({1, 1, kMels, 96});
  const at::Tensor without = embed(spectrograms, parameters);
  const at::Tensor shift = at::randn({12});
  parameters[1].narrow(1, 1, 8).add_(shift);
  parameters[3].sub_(shift);                                                   // the bias of all patches
  EXPECT_TRUE(embed(spectrograms, parameters).allclose(without, 1e-4, 1e-5));  // roundings of shift
}

TEST(Vit, TheOrderOfColumnsCountsByTheirPositions) {
  auto parameters = drawn_tensors(vit_layout(kShape));
  const at::Tensor columns = 0.05 * at::randn({1, 1, kMels, 4, 16});  // patches no larger than their positions
  const auto of = [&](const at::Tensor& order) { return embed(order.flatten(3), parameters); };
  EXPECT_FALSE(of(columns.flip({3})).allclose(of(columns), 1e-3, 1e-3));
  parameters[1].zero_();
  EXPECT_TRUE(of(columns.flip({3})).allclose(of(columns), 1e-5, 1e-5));
}

TEST(Vit, TheInputIsNotChanged) {
  const at::Tensor spectrograms = at::randn({2, 1, kMels, 70});
  const at::Tensor before = spectrograms.clone();
  embed(spectrograms, drawn_tensors(vit_layout(kShape)));
  EXPECT_TRUE(spectrograms.equal(before));
}

}  // namespace
}  // namespace singerprint
