#include "nn/norm_kernels.h"

#include "core/lane.h"
#include "nn/lane_sigmoid.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

// Additions wait four cycles for each other: so many sums at once keep the adders busy.
constexpr int kSums = 4;

struct Norm {
  Lane mean, scale, bias;
  explicit Norm(NormLanes norm)
      : mean(Lane::load(norm.mean)), scale(Lane::load(norm.scale)), bias(Lane::load(norm.bias)) {}
  SINGERPRINT_LANE_INLINE Lane of(Lane x) const { return multiply_add(x - mean, scale, bias); }
};

template <class Term>
SINGERPRINT_LANE_INLINE Lane sum_of(const float* x, std::int64_t pixels, Term term) {
  Lane sums[kSums];
  for (int i = 0; i < kSums; ++i) sums[i] = 0.0f;
  std::int64_t p = 0;
  for (; p + kSums <= pixels; p += kSums) {
#pragma GCC unroll 4
    for (int i = 0; i < kSums; ++i) sums[i] = term(Lane::load(x + (p + i) * kLanes), sums[i]);
  }
  for (; p < pixels; ++p) sums[0] = term(Lane::load(x + p * kLanes), sums[0]);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

void moments(const float* x, std::int64_t pixels, float* mean, float* deviation) {
  const Lane total = sum_of(x, pixels, [](Lane value, Lane sum) { return sum + value; });
  const Lane center = total / static_cast<float>(pixels);
  const Lane squares = sum_of(x, pixels, [center](Lane value, Lane sum) {
    const Lane apart = value - center;
    return multiply_add(apart, apart, sum);
  });
  center.store(mean);
  squares.store(deviation);
}

void normalize(const float* x, NormLanes norm_lanes, const float* residual, std::int64_t pixels, float* to) {
  const Norm norm(norm_lanes);
  for (std::int64_t at = 0; at < pixels * kLanes; at += kLanes) {
    Lane z = norm.of(Lane::load(x + at));
    if (residual != nullptr) z += Lane::load(residual + at);
    z.store(to + at);
  }
}

void activate(const float* x, NormLanes norm_lanes, const float* gate, std::int64_t pixels, float* to) {
  const Norm norm(norm_lanes);
  const Lane factor = gate == nullptr ? Lane(1.0f) : Lane::load(gate);
  for (std::int64_t at = 0; at < pixels * kLanes; at += kLanes) {
    (silu(norm.of(Lane::load(x + at))) * factor).store(to + at);
  }
}

void sum_activated(const float* x, NormLanes norm_lanes, std::int64_t pixels, float* sum) {
  const Norm norm(norm_lanes);
  sum_of(x, pixels, [&](Lane value, Lane total) { return total + silu(norm.of(value)); }).store(sum);
}

void silu_gradient(const SiluGradient& gradient, std::int64_t pixels) {
  const Norm norm(gradient.norm);
  const Lane gate = Lane::load(gradient.gate), offset = Lane::load(gradient.offset);
  Lane sum = 0.0f, centered_sum = 0.0f;
  for (std::int64_t at = 0; at < pixels * kLanes; at += kLanes) {
    const Lane centered = Lane::load(gradient.x + at) - norm.mean;
    const Lane z = multiply_add(centered, norm.scale, norm.bias);
    const Lane s = sigmoid(z);
    const Lane slope = multiply_add(z * s, 1.0f - s, s);
    const Lane dz = multiply_add(Lane::load(gradient.dy + at), gate, offset) * slope;
    dz.store(gradient.dz + at);
    sum += dz;
    centered_sum = multiply_add(dz, centered, centered_sum);
  }
  sum.store(gradient.sums);
  centered_sum.store(gradient.sums + kLanes);
}

void gradient_sums(const float* dz, const float* x, const float* mean, std::int64_t pixels, float* sums) {
  const Lane center = Lane::load(mean);
  Lane sum = 0.0f, centered_sum = 0.0f;
  for (std::int64_t at = 0; at < pixels * kLanes; at += kLanes) {
    const Lane gradient = Lane::load(dz + at);
    sum += gradient;
    centered_sum = multiply_add(gradient, Lane::load(x + at) - center, centered_sum);
  }
  sum.store(sums);
  centered_sum.store(sums + kLanes);
}

void norm_gradient(const float* dz, const float* x, NormGradientLanes norm, std::int64_t pixels, float* dx) {
  const Lane mean = Lane::load(norm.mean), scale = Lane::load(norm.scale), slope = Lane::load(norm.slope);
  const Lane offset = Lane::load(norm.offset);
  for (std::int64_t at = 0; at < pixels * kLanes; at += kLanes) {
    const Lane of_statistics = multiply_add(Lane::load(x + at) - mean, slope, offset);
    multiply_add(Lane::load(dz + at), scale, of_statistics).store(dx + at);
  }
}

}  // namespace

NormKernels norm_kernels() {
  return {kLanes, &moments, &normalize, &activate, &sum_activated, &silu_gradient, &gradient_sums, &norm_gradient};
}

}  // namespace singerprint::SINGERPRINT_ISA
