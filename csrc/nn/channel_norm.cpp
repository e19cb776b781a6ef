#include "nn/channel_norm.h"

#include <cmath>

namespace singerprint {
namespace {

struct Merged {
  double count = 0;
  double mean = 0;
  double deviation = 0;

  void add(double of, double its_mean, double its_deviation) {
    const double whole = count + of, apart = its_mean - mean;
    mean += apart * of / whole;
    deviation += its_deviation + apart * apart * count * of / whole;
    count = whole;
  }
};

}  // namespace

ClipMoments::ClipMoments(std::int64_t clips) : counts_(clips), moments_(clips) {}

void ClipMoments::add(std::int64_t clip, const float* plane, std::int64_t pixels) {
  const TrainingKernels& kernels = training_kernels();
  float mean[16], deviation[16];
  kernels.norm.moments(plane, pixels, mean, deviation);
  for (std::int64_t lane = 0; lane < kernels.lanes; ++lane) {
    double& of_clip = moments_[clip].mean[lane];
    Merged merged{static_cast<double>(counts_[clip]), of_clip, moments_[clip].deviation[lane]};
    merged.add(static_cast<double>(pixels), mean[lane], deviation[lane]);
    of_clip = merged.mean;
    moments_[clip].deviation[lane] = merged.deviation;
  }
  counts_[clip] += pixels;
}

void ClipMoments::fit(const BatchNorm& norm, std::int64_t block, const FittedNorm& fitted) const {
  const std::int64_t lanes = training_kernels().lanes;
  std::fill_n(fitted.row(block, 0), kNormRows * lanes, 0.0f);
  for (std::int64_t lane = 0; lane < std::min(lanes, norm.channels - block * lanes); ++lane) {
    Merged batch;
    for (std::size_t clip = 0; clip < counts_.size(); ++clip) {
      batch.add(static_cast<double>(counts_[clip]), moments_[clip].mean[lane], moments_[clip].deviation[lane]);
    }
    const std::int64_t channel = block * lanes + lane;
    const double rstd = 1 / std::sqrt(batch.deviation / batch.count + norm.eps);
    fitted.row(block, 0)[lane] = static_cast<float>(batch.mean);
    fitted.row(block, 1)[lane] = static_cast<float>(norm.weight[channel] * rstd);
    fitted.row(block, 2)[lane] = norm.bias[channel];
    fitted.row(block, 3)[lane] = static_cast<float>(rstd);
    const auto update = [&](float& running, double value) {
      running = static_cast<float>((1 - norm.momentum) * running + norm.momentum * value);
    };
    update(norm.running_mean[channel], batch.mean);
    update(norm.running_var[channel], batch.deviation / (batch.count - 1));
  }
}

void ClipGradients::add_silu(std::int64_t clip, float* dy, const float* x, std::int64_t pixels, NormLanes norm,
                             const float* gate, const float* offset) {
  const TrainingKernels& kernels = training_kernels();
  for_each_summed_run(pixels, [&](std::int64_t first, std::int64_t count) {
    float sums[2 * 16];
    const std::int64_t at = first * kernels.lanes;
    kernels.norm.silu_gradient({dy + at, x + at, norm, gate, offset, dy + at, sums}, count);
    add_sums(clip, sums);
  });
}

void ClipGradients::add(std::int64_t clip, const float* dz, const float* x, std::int64_t pixels, const float* mean) {
  const TrainingKernels& kernels = training_kernels();
  for_each_summed_run(pixels, [&](std::int64_t first, std::int64_t count) {
    float sums[2 * 16];
    const std::int64_t at = first * kernels.lanes;
    kernels.norm.gradient_sums(dz + at, x + at, mean, count, sums);
    add_sums(clip, sums);
  });
}

void ClipGradients::scale(std::int64_t clip, double factor) {
  for (double& sum : sums_[clip].dz) sum *= factor;
  for (double& sum : sums_[clip].centered) sum *= factor;
}

void ClipGradients::add_sums(std::int64_t clip, const float* sums) {
  const std::int64_t lanes = training_kernels().lanes;
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    sums_[clip].dz[lane] += sums[lane];
    sums_[clip].centered[lane] += sums[lanes + lane];
  }
}

NormGradientLanes ClipGradients::finish(const FittedNorm& fitted, std::int64_t block, std::int64_t count,
                                        std::int64_t channels, float* dweight, float* dbias, float* rows) const {
  const std::int64_t lanes = training_kernels().lanes;
  std::fill_n(rows, 3 * lanes, 0.0f);
  for (std::int64_t lane = 0; lane < std::min(lanes, channels - block * lanes); ++lane) {
    double dz = 0, centered = 0;
    for (const Lanes& clip : sums_) {
      dz += clip.dz[lane];
      centered += clip.centered[lane];
    }
    const double scale = fitted.row(block, 1)[lane], rstd = fitted.rstd(block)[lane];
    dweight[block * lanes + lane] = static_cast<float>(centered * rstd);
    dbias[block * lanes + lane] = static_cast<float>(dz);
    rows[lane] = static_cast<float>(scale);
    rows[lanes + lane] = static_cast<float>(-scale * rstd * rstd * centered / static_cast<double>(count));
    rows[2 * lanes + lane] = static_cast<float>(-scale * dz / static_cast<double>(count));
  }
  return {fitted.row(block, 0), rows, rows + lanes, rows + 2 * lanes};
}

}  // namespace singerprint
