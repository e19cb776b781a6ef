#include "dsp/resample_blocks.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <numbers>

namespace singerprint {
namespace {

constexpr std::align_val_t kAlignment{64};  // a cache line, and the widest lane
// Numbers of both transforms: at 16 lanes 8,192 are a megabyte, what a core's second cache holds.
constexpr std::int64_t kUsualNumbers = 8192, kMaximalNumbers = 65536;
constexpr double kAroundCost = 10.0;  // vector instructions a number to load, filter and store, as LaneFourier::cost

// The cut of `periods` periods, if it leaves outputs between its guards.
std::optional<ResampleCut> cut_of(const ResampleRatio& ratio, std::int64_t periods) {
  const std::int64_t reach = ratio.reach(), size_in = periods * ratio.step_in;
  const std::int64_t kept = (size_in - 2 * reach) / ratio.step_in;
  if (size_in < 2 * reach || kept < 1) return std::nullopt;
  return ResampleCut{static_cast<std::int32_t>(size_in),
                     static_cast<std::int32_t>(periods * ratio.step_out),
                     kept * ratio.step_in,
                     kept * ratio.step_out,
                     reach,
                     static_cast<std::int32_t>(reach * ratio.step_out / ratio.step_in)};
}

// The spectrum of the filter at bin k of size_in, 1 in the pass band: its samples at the faster rate, transformed.
class FilterSpectrum {
 public:
  explicit FilterSpectrum(const ResampleRatio& ratio, const ResampleCut& cut)
      : size_(std::max(cut.size_in, cut.size_out)) {
    const double slowing =
        static_cast<double>(ratio.low()) / static_cast<double>(std::max(ratio.step_in, ratio.step_out));
    for (std::int64_t n = 0; static_cast<double>(n) * slowing < kResampleHalfWidth; ++n) {
      taps_.push_back((n == 0 ? 1.0 : 2.0) * slowing * resample_kernel(static_cast<double>(n) * slowing));
    }
    for (std::int64_t n = 0; n < size_; ++n) {
      cosines_.push_back(std::cos(2.0 * std::numbers::pi * static_cast<double>(n) / static_cast<double>(size_)));
    }
  }
  double operator()(std::int64_t k) const {
    double sum = 0.0;
    std::int64_t turn = 0;  // n k % size
    for (const double tap : taps_) {
      sum += tap * cosines_[static_cast<std::size_t>(turn)];
      turn += k;
      if (turn >= size_) turn -= size_;
    }
    return sum;
  }

 private:
  std::int64_t size_;
  std::vector<double> taps_, cosines_;
};

}  // namespace

std::optional<ResampleCut> resample_cut(const ResampleRatio& ratio) {
  if (!LaneFourier::is_possible(ratio.step_in) || !LaneFourier::is_possible(ratio.step_out)) return std::nullopt;
  const std::int64_t period = ratio.step_in + ratio.step_out;
  for (const std::int64_t limit : {kUsualNumbers, 2 * kUsualNumbers, kMaximalNumbers}) {
    std::optional<ResampleCut> best;
    double best_cost = 0.0;
    for (std::int64_t periods = 1; periods * period <= limit; ++periods) {
      if (!LaneFourier::is_possible(periods)) continue;
      const std::optional<ResampleCut> cut = cut_of(ratio, periods);
      if (!cut) continue;
      const double transforms = LaneFourier::cost(cut->size_in) + LaneFourier::cost(cut->size_out);
      const double around = kAroundCost * static_cast<double>(periods * period);
      const double cost = (transforms + around) / static_cast<double>(cut->outputs);
      if (best && cost >= best_cost) continue;
      best = cut;
      best_cost = cost;
    }
    // At least half of what is transformed must be kept.
    if (best && 2 * best->outputs >= best->size_out) return best;
  }
  return std::nullopt;
}

ResampleBlocks::ResampleBlocks(const ResampleRatio& ratio, const ResampleCut& cut, double gain)
    : forward_(cut.size_in), backward_(cut.size_out) {
  const FilterSpectrum spectrum(ratio, cut);
  const std::int64_t slower = std::min(cut.size_in, cut.size_out), bins = (slower + 1) / 2;
  // The outputs wanted lie this much later than the block's: in samples of the input, times step_out.
  const std::int64_t late = cut.guard * ratio.step_out - cut.first_kept * ratio.step_in;
  const std::int64_t circle = cut.size_in * ratio.step_out;
  for (std::int64_t k = 0; k < bins; ++k) {
    const double size = gain * spectrum(k) / cut.size_in;
    const double angle = 2.0 * std::numbers::pi * static_cast<double>(k * late % circle) / static_cast<double>(circle);
    gains_.push_back(static_cast<float>(size * std::cos(angle)));
    gains_.push_back(static_cast<float>(size * std::sin(angle)));
  }
  tables_ = {forward_.tables(), backward_.tables(), cut.size_in, cut.size_out, static_cast<std::int32_t>(bins),
             gains_.data(),     cut.first_kept};
}

int ResampleBlocks::blocks_at_once() { return 2 * SINGERPRINT_LANES(fourier_lane_count)(); }

void ResampleBlocks::Worker::Free::operator()(float* memory) const { ::operator delete(memory, kAlignment); }

ResampleBlocks::Worker::Worker(const ResampleBlocks& blocks) : blocks_(blocks) {
  const std::int64_t lanes = SINGERPRINT_LANES(fourier_lane_count)();
  const std::int64_t input = 2 * lanes * blocks.forward_.places(), output = 2 * lanes * blocks.backward_.places();
  const std::int64_t line = 2 * lanes * std::max(blocks.forward_.work_numbers(), blocks.backward_.work_numbers());
  const auto floats = static_cast<std::size_t>(input + output + line);
  memory_.reset(static_cast<float*>(::operator new(floats * sizeof(float), kAlignment)));
  // 2 lanes floats a number: each part begins at a multiple of a vector's size
  work_ = {memory_.get(), memory_.get() + input, memory_.get() + input + output};
}

void ResampleBlocks::Worker::operator()(const float* const* inputs, float* const* results, const std::int64_t* counts) {
  SINGERPRINT_LANES(resample_blocks_lanes)(blocks_.tables_, inputs, work_, results, counts);
}

}  // namespace singerprint
