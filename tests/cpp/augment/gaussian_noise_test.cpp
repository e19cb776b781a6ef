#include "augment/gaussian_noise.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace singerprint {
namespace {

at::Tensor gaussian_noise(const at::Tensor& waveforms, const at::Tensor& amplitude, std::int64_t seed,
                          const at::Tensor& clip_ids, std::int64_t stream = 2) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::gaussian_noise", "")
                             .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                               const at::Tensor&, const at::Tensor&, std::int64_t)>();
  return op.call(waveforms, amplitude, at::scalar_tensor(seed, at::kLong), clip_ids, at::zeros_like(clip_ids), stream);
}

TEST(GaussianNoise, LanesGiveTheBitsOfTheScalarFormula) {
  const DrawStream draws = draw_stream(-77, 3, 9, 258, DrawKind::kPerSample);
  const auto lanes = SINGERPRINT_LANES(gaussian_noise_lanes);
  for (const std::int64_t samples : {1, 3, 4, 15, 63, 64, 65, 1000}) {
    const std::vector<float> waveform(static_cast<std::size_t>(samples), 0.25f);
    std::vector<float> result(waveform.size() + 1, -1.0f);
    lanes(waveform.data(), 0.1f, draws, 0, samples, result.data());
    for (std::int64_t n = 0; n < samples; ++n) {
      const NormalBlock normals = normal_block(draws, static_cast<std::uint32_t>(n / 4));
      EXPECT_EQ(bits_of(result[n]), bits_of(fma(0.1f, normals.value[n % 4], 0.25f))) << n << " of " << samples;
    }
    EXPECT_EQ(result[samples], -1.0f) << "written beyond the end";
  }
}

TEST(GaussianNoise, APartGivesTheSamplesOfTheWhole) {
  const DrawStream draws = draw_stream(1, 2, 3, 4, DrawKind::kPerSample);
  const auto lanes = SINGERPRINT_LANES(gaussian_noise_lanes);
  const std::vector<float> waveform(500, 0.0f);
  std::vector<float> whole(500), parts(500);
  lanes(waveform.data(), 1.0f, draws, 0, 500, whole.data());
  lanes(waveform.data(), 1.0f, draws, 0, 36, parts.data());
  lanes(waveform.data(), 1.0f, draws, 36, 500, parts.data());
  EXPECT_EQ(whole, parts);
}

TEST(GaussianNoise, AmplitudeZeroKeepsEveryBit) {
  const at::Tensor waveforms =
      at::tensor({-0.0f, 1e-45f, std::numeric_limits<float>::infinity(), 0.5f}).reshape({1, 4});
  const at::Tensor result = gaussian_noise(waveforms, at::zeros({1}), 0, at::zeros({1}, at::kLong));
  EXPECT_EQ(std::memcmp(result.data_ptr(), waveforms.data_ptr(), 4 * sizeof(float)), 0);
}

TEST(GaussianNoise, AClipIsTheSameAloneAndInABatch) {
  const at::Tensor waveforms = at::randn({3, 40001});
  const at::Tensor amplitude = at::tensor({0.1f, 0.2f, 0.3f});
  const at::Tensor clip_ids = at::tensor({5, 6, 7}, at::kLong);
  const at::Tensor batch = gaussian_noise(waveforms, amplitude, 11, clip_ids);
  const at::Tensor alone =
      gaussian_noise(waveforms.slice(0, 1, 2), amplitude.slice(0, 1, 2), 11, clip_ids.slice(0, 1, 2));
  EXPECT_TRUE(batch.slice(0, 1, 2).equal(alone));
}

TEST(GaussianNoise, SeedClipAndStreamEachChangeTheNoise) {
  const at::Tensor silence = at::zeros({1, 1000}), one = at::ones({1});
  const at::Tensor clip = at::zeros({1}, at::kLong);
  const at::Tensor noise = gaussian_noise(silence, one, 0, clip);
  EXPECT_FALSE(noise.equal(gaussian_noise(silence, one, std::int64_t{1} << 32, clip)));
  EXPECT_FALSE(noise.equal(gaussian_noise(silence, one, 0, clip + 1)));
  EXPECT_FALSE(noise.equal(gaussian_noise(silence, one, 0, clip, 258)));
}

}  // namespace
}  // namespace singerprint
