#include "augment/noise_gain_mask.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <cstring>

namespace singerprint {
namespace {

struct Parameters {
  at::Tensor amplitude, gain_db, start_samples, length_samples, clip_ids;

  explicit Parameters(std::int64_t batch, std::int64_t samples)
      : amplitude(at::rand({batch})),
        gain_db(at::randn({batch}) * 6),
        start_samples(at::randint(0, samples + 1, {batch}, at::kLong)),
        length_samples(at::randint(0, samples + 1, {batch}, at::kLong)),
        clip_ids(at::arange(batch, at::kLong)) {}
};

const at::Tensor kSeed = at::scalar_tensor(-5, at::kLong);

at::Tensor fused(const at::Tensor& waveforms, const Parameters& p) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::noise_gain_mask", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                               const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                               const at::Tensor&, const at::Tensor&, std::int64_t)>();
  return op.call(waveforms, p.amplitude, p.gain_db, p.start_samples, p.length_samples, kSeed, p.clip_ids,
                 at::zeros_like(p.clip_ids), 258);
}

at::Tensor one_after_the_other(const at::Tensor& waveforms, const Parameters& p) {
  auto& dispatcher = c10::Dispatcher::singleton();
  const auto noise = dispatcher.findSchemaOrThrow("singerprint::gaussian_noise", "")
                         .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                           const at::Tensor&, std::int64_t)>();
  const auto gain =
      dispatcher.findSchemaOrThrow("singerprint::gain", "").typed<at::Tensor(const at::Tensor&, const at::Tensor&)>();
  const auto mask = dispatcher.findSchemaOrThrow("singerprint::time_mask", "")
                        .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&)>();
  const at::Tensor noisy =
      noise.call(waveforms, p.amplitude, kSeed, p.clip_ids, at::zeros_like(p.clip_ids), std::int64_t{258});
  return mask.call(gain.call(noisy, p.gain_db), p.start_samples, p.length_samples);
}

void expect_same_bits(const at::Tensor& waveforms, const Parameters& parameters) {
  const at::Tensor result = fused(waveforms, parameters), expected = one_after_the_other(waveforms, parameters);
  ASSERT_EQ(result.sizes(), expected.sizes());
  EXPECT_EQ(std::memcmp(result.data_ptr(), expected.data_ptr(), result.nbytes()), 0) << waveforms.sizes();
}

TEST(NoiseGainMask, HasTheBitsOfTheThreeOpsOneAfterTheOther) {
  at::manual_seed(0);
  // Around a lane, a block of 4,096 samples and a task of 32,768.
  for (const std::int64_t samples : {1, 15, 64, 4095, 4096, 4097, 32768, 32769, 70001}) {
    expect_same_bits(at::randn({5, samples}), Parameters(5, samples));
  }
}

TEST(NoiseGainMask, HasThemWithoutNoiseAndUnderAWholeMask) {
  at::manual_seed(1);
  Parameters parameters(3, 9000);
  parameters.amplitude.zero_();
  parameters.start_samples.zero_();
  parameters.length_samples.copy_(at::tensor({0, 9000, 4096}, at::kLong));
  expect_same_bits(at::randn({3, 9000}), parameters);
}

TEST(NoiseGainMask, NothingInNothingOut) {
  EXPECT_EQ(fused(at::zeros({0, 5}), Parameters(0, 5)).numel(), 0);
  EXPECT_EQ(fused(at::zeros({2, 0}), Parameters(2, 0)).numel(), 0);
}

}  // namespace
}  // namespace singerprint
