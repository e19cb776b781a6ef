#include "nn/channel_norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "training_values.h"

namespace singerprint {
namespace {

constexpr double kEps = 1e-3, kMomentum = 0.1;

// A batch norm of `channels` over x, fitted run by run.
struct Fitted {
  OwnPlanes x;
  std::vector<float> weight = normal_floats(x.channels), bias = normal_floats(x.channels);
  std::vector<float> running_mean = std::vector<float>(x.channels, 1.0f);
  std::vector<float> running_var = std::vector<float>(x.channels, 2.0f);
  std::vector<float> rows = std::vector<float>(lane_blocks(x.channels) * kNormRows * x.lanes, -1.0f);
  FittedNorm fitted{rows.data(), x.lanes};

  explicit Fitted(OwnPlanes planes) : x(std::move(planes)) {
    for (std::int64_t block = 0; block < lane_blocks(x.channels); ++block) {
      ClipMoments moments(x.clips);
      for (std::int64_t clip = x.clips; clip-- > 0;) {
        for (std::int64_t first = 0; first < x.pixels; first += 7) {
          moments.add(clip, x.planes().at(block, clip, first), std::min<std::int64_t>(7, x.pixels - first));
        }
      }
      moments.fit({weight.data(), bias.data(), running_mean.data(), running_var.data(), x.channels, kMomentum, kEps},
                  block, fitted);
    }
  }

  template <class Term>
  double sum(Term term) const {
    double total = 0;
    for (std::int64_t b = 0; b < x.clips; ++b) {
      for (std::int64_t p = 0; p < x.pixels; ++p) total += term(b, p);
    }
    return total;
  }
  double count() const { return static_cast<double>(x.clips * x.pixels); }
  double mean(std::int64_t n) const {
    return sum([&](std::int64_t b, std::int64_t p) { return x.of(n, b, p); }) / count();
  }
  double var(std::int64_t n) const {
    const double center = mean(n);
    return sum([&](std::int64_t b, std::int64_t p) { return std::pow(x.of(n, b, p) - center, 2); }) / count();
  }
};

TEST(ChannelNorm, RunsAndClipsGiveTheStatisticsOfAll) {
  const std::int64_t lanes = training_kernels().lanes;
  for (const auto& [clips, pixels] : {std::pair<std::int64_t, std::int64_t>{1, 2}, {2, 1}, {3, 23}}) {
    const Fitted norm(OwnPlanes::random(lanes + 3, clips, pixels));
    for (std::int64_t n = 0; n < norm.x.channels; ++n) {
      const double mean = norm.mean(n), var = norm.var(n), rstd = 1 / std::sqrt(var + kEps);
      const std::int64_t block = n / lanes, lane = n % lanes;
      EXPECT_NEAR(norm.fitted.row(block, 0)[lane], mean, 1e-6);
      EXPECT_NEAR(norm.fitted.row(block, 1)[lane], norm.weight[n] * rstd, 1e-5 * rstd);
      EXPECT_EQ(norm.fitted.row(block, 2)[lane], norm.bias[n]);
      EXPECT_NEAR(norm.fitted.rstd(block)[lane], rstd, 1e-5 * rstd);
      EXPECT_NEAR(norm.running_mean[n], 0.9 + 0.1 * mean, 1e-6);
      EXPECT_NEAR(norm.running_var[n], 1.8 + 0.1 * var * norm.count() / (norm.count() - 1), 1e-6);
    }
    for (std::int64_t lane = 3; lane < lanes; ++lane) {
      for (int row = 0; row < kNormRows; ++row) EXPECT_EQ(norm.fitted.row(1, row)[lane], 0.0f);
    }
  }
}

TEST(ChannelNorm, GradientsGoThroughMeanAndVariance) {
  const std::int64_t lanes = training_kernels().lanes, channels = lanes + 1;
  const Fitted norm(OwnPlanes::random(channels, 2, 600));
  OwnPlanes dz = OwnPlanes::random(channels, 2, 600);
  std::vector<float> dweight(channels), dbias(channels), rows(3 * lanes);
  for (std::int64_t block = 0; block < 2; ++block) {
    ClipGradients sums(2);
    for (std::int64_t clip : {1, 0}) {
      sums.add(clip, dz.planes().at(block, clip), norm.x.planes().at(block, clip), 600, norm.fitted.row(block, 0));
    }
    const NormGradientLanes gradient =
        sums.finish(norm.fitted, block, 2 * 600, channels, dweight.data(), dbias.data(), rows.data());
    for (std::int64_t n = block * lanes; n < std::min(channels, (block + 1) * lanes); ++n) {
      const double mean = norm.mean(n), rstd = 1 / std::sqrt(norm.var(n) + kEps);
      const double sum = norm.sum([&](std::int64_t b, std::int64_t p) { return dz.of(n, b, p); });
      const double centered =
          norm.sum([&](std::int64_t b, std::int64_t p) { return dz.of(n, b, p) * (norm.x.of(n, b, p) - mean); });
      const std::int64_t lane = n % lanes;
      EXPECT_NEAR(dbias[n], sum, 1e-4);  // sums of 1200 normal numbers
      EXPECT_NEAR(dweight[n], centered * rstd, 1e-4);
      EXPECT_NEAR(gradient.scale[lane], norm.weight[n] * rstd, 1e-5);
      EXPECT_NEAR(gradient.slope[lane], -norm.weight[n] * rstd * rstd * rstd * centered / norm.count(), 1e-6);
      EXPECT_NEAR(gradient.offset[lane], -norm.weight[n] * rstd * sum / norm.count(), 1e-6);
    }
  }
}

TEST(ChannelNorm, ThroughSiluTheSumsAreThoseOfWhatIsWritten) {
  const std::int64_t lanes = training_kernels().lanes;
  const Fitted norm(OwnPlanes::random(lanes, 2, 1100));
  OwnPlanes dy = OwnPlanes::random(lanes, 2, 1100);
  ClipGradients sums(2), again(2);
  for (std::int64_t clip : {0, 1}) {
    float* const plane = dy.planes().at(0, clip);
    const float* const x = norm.x.planes().at(0, clip);
    sums.add_silu(clip, plane, x, 1100, norm.fitted.lanes_of(0));
    again.add(clip, plane, x, 1100, norm.fitted.row(0, 0));
  }
  std::vector<float> first(2 * lanes), second(2 * lanes), rows(3 * lanes);
  sums.finish(norm.fitted, 0, 2200, lanes, first.data(), first.data() + lanes, rows.data());
  again.finish(norm.fitted, 0, 2200, lanes, second.data(), second.data() + lanes, rows.data());
  for (std::int64_t i = 0; i < 2 * lanes; ++i) EXPECT_NEAR(first[i], second[i], 1e-4);
}

}  // namespace
}  // namespace singerprint
