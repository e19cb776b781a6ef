// channel_norm: batch norm by the statistics of a batch, one block of channels at a time (Ioffe and Szegedy 2015,
// https://arxiv.org/abs/1502.03167).
//   z = (x - mean) * weight / sqrt(var + eps) + bias,  mean and var over clips and pixels
//   running = (1 - momentum) * running + momentum * batch, with the unbiased variance
//   dx = weight / sqrt(var + eps) * (dz - mean of dz - (x - mean) / (var + eps) * mean of dz (x - mean))
// Statistics are of runs of pixels in float32, put together in double (Chan, Golub and LeVeque 1979), first the runs of
// a clip, then the clips in order: no number of workers changes a bit.
#pragma once
#include <cstdint>
#include <vector>

#include "nn/training_planes.h"

namespace singerprint {

struct BatchNorm {
  const float* weight;
  const float* bias;
  float* running_mean;
  float* running_var;
  std::int64_t channels;
  double momentum;
  double eps;
};

// What is kept of a fitted norm, a block: mean, scale, bias and 1 / sqrt(var + eps), (4, lanes).
inline constexpr std::int64_t kNormRows = 4;

struct FittedNorm {
  float* data;  // (blocks, 4, lanes)
  std::int64_t lanes;

  float* row(std::int64_t block, int row) const { return data + (block * kNormRows + row) * lanes; }
  NormLanes lanes_of(std::int64_t block) const { return {row(block, 0), row(block, 1), row(block, 2)}; }
  const float* rstd(std::int64_t block) const { return row(block, 3); }
};

// Mean and sum of squared deviations of each clip.
class ClipMoments {
 public:
  explicit ClipMoments(std::int64_t clips);
  void add(std::int64_t clip, const float* plane, std::int64_t pixels);
  // Writes the block's rows of `fitted` and updates its running statistics.
  void fit(const BatchNorm& norm, std::int64_t block, const FittedNorm& fitted) const;

 private:
  struct Lanes {
    double mean[16];
    double deviation[16];
  };
  std::vector<std::int64_t> counts_;
  std::vector<Lanes> moments_;
};

// Sums of dz and dz * (x - mean) of each clip.
class ClipGradients {
 public:
  explicit ClipGradients(std::int64_t clips) : sums_(clips) {}
  // From dy to dz = (dy * gate + offset) * silu'(z) in place; gate and offset: (lanes,).
  void add_silu(std::int64_t clip, float* dy, const float* x, std::int64_t pixels, NormLanes norm,
                const float* gate = kOnes, const float* offset = kZeros);
  // Of a given dz.
  void add(std::int64_t clip, const float* dz, const float* x, std::int64_t pixels, const float* mean);
  // Makes the sums of a clip those of factor * dz.
  void scale(std::int64_t clip, double factor);
  // count: clips * pixels. Writes the gradients of the block's weights and biases, and scale, slope and offset of dx,
  // (3, lanes), to rows.
  NormGradientLanes finish(const FittedNorm& fitted, std::int64_t block, std::int64_t count, std::int64_t channels,
                           float* dweight, float* dbias, float* rows) const;

 private:
  static constexpr float kOnes[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  static constexpr float kZeros[16] = {};
  struct Lanes {
    double dz[16] = {};
    double centered[16] = {};
  };
  void add_sums(std::int64_t clip, const float* sums);  // (2, lanes)
  std::vector<Lanes> sums_;
};

}  // namespace singerprint
