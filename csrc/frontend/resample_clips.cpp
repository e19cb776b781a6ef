#include "frontend/resample_clips.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

#include "core/cache.h"
#include "core/parts.h"
#include "core/precompiled.h"
#include "dsp/resample_blocks.h"
#include "dsp/resample_sample.h"
#include "frontend/resample.h"

namespace singerprint {
namespace {

constexpr std::size_t kCachedTables = 16;
constexpr std::int64_t kOutputsOfTask = 2048;  // of the sum: some 100 us, many times what handing it to a thread costs
constexpr std::int64_t kLeastCellSamples = 4096;  // where there are no blocks

template <class Number>
struct Rows {
  std::vector<Number> weights;
  ResampleRows<Number> view;
};

template <class Number>
std::shared_ptr<const Rows<Number>> rows_of(const ResampleDirection& direction) {
  static Cache<ResampleDirection, Rows<Number>> cache(kCachedTables);
  return cache.get(direction, [&] {
    const auto taps = taps_of(direction);
    auto rows = std::make_shared<Rows<Number>>();
    rows->weights.assign(taps->rows.begin(), taps->rows.end());
    rows->view = {direction.ratio.step_in,
                  direction.ratio.step_out,
                  taps->exact,
                  taps->taps,
                  taps->phases,
                  rows->weights.data(),
                  taps->taps,
                  1};
    return std::shared_ptr<const Rows<Number>>(std::move(rows));
  });
}

// None where only the sum will do.
std::shared_ptr<const std::optional<ResampleCut>> cut_of(const ResampleRatio& ratio) {
  static Cache<ResampleRatio, std::optional<ResampleCut>> cache(kCachedTables);
  return cache.get(ratio, [&] { return std::make_shared<const std::optional<ResampleCut>>(resample_cut(ratio)); });
}

std::shared_ptr<const ResampleBlocks> blocks_of(const ResampleDirection& direction, const ResampleCut& cut) {
  static Cache<ResampleDirection, ResampleBlocks> cache(kCachedTables);
  return cache.get(direction,
                   [&] { return std::make_shared<const ResampleBlocks>(direction.ratio, cut, direction.gain()); });
}

// One clip, by the sum: outputs [begin, end) to `result`.
void sum_of_clip(const ResampleRows<float>& rows, const float* waveform, std::int64_t samples, std::int64_t begin,
                 std::int64_t end, float* result) {
  std::vector<float> row(static_cast<std::size_t>(rows.taps));
  SINGERPRINT_LANES(resample_sum_lanes)(rows, &waveform, 1, samples, begin, end, row.data(), &result);
}

void sum_of_clips(const ResampleDirection& direction, const float* waveforms, const ResampleShape& shape,
                  float* result) {
  const auto rows = rows_of<float>(direction);
  const auto lanes = SINGERPRINT_LANES(resample_sum_lanes);
  const std::int64_t tasks = parts_of(shape.outputs, kOutputsOfTask);
  at::parallel_for(0, tasks, 1, [&](std::int64_t first, std::int64_t last) {
    std::vector<float> row(static_cast<std::size_t>(rows->view.taps));
    std::vector<const float*> clips(static_cast<std::size_t>(shape.batch));
    std::vector<float*> results(clips.size());
    for (std::int64_t task = first; task < last; ++task) {
      const std::int64_t begin = task * kOutputsOfTask, end = std::min(begin + kOutputsOfTask, shape.outputs);
      for (std::size_t b = 0; b < clips.size(); ++b) {
        clips[b] = waveforms + static_cast<std::int64_t>(b) * shape.samples;
        results[b] = result + static_cast<std::int64_t>(b) * shape.outputs + begin;
      }
      lanes(rows->view, clips.data(), shape.batch, shape.samples, begin, end, row.data(), results.data());
    }
  });
}

// A batch as pairs of blocks, kLanes pairs at a time.
class BlockwiseClips {
 public:
  BlockwiseClips(const ResampleDirection& direction, const ResampleCut& cut, const float* waveforms,
                 const ResampleShape& shape, float* result)
      : direction_(direction),
        cut_(cut),
        waveforms_(waveforms),
        shape_(shape),
        result_(result),
        blocks_(blocks_of(direction, cut)),
        at_once_(ResampleBlocks::blocks_at_once()),
        // A pair does not reach into the next clip: what a clip gives must not depend on its batch.
        blocks_of_clip_(2 * parts_of(shape.outputs, 2 * cut.outputs)) {}

  void operator()() const {
    const std::int64_t groups = parts_of(shape_.batch * blocks_of_clip_, at_once_);
    at::parallel_for(0, groups, 1, [&](std::int64_t first, std::int64_t last) {
      ResampleBlocks::Worker worker(*blocks_);
      // Left as it comes: only the rows of blocks that lie over an end are written and read.
      const std::unique_ptr<float[]> padded(new float[static_cast<std::size_t>(at_once_ * cut_.size_in)]);
      for (std::int64_t group = first; group < last; ++group) compute_group(group, worker, padded.get());
    });
  }

 private:
  struct Block {
    const float* clip;  // null beyond the last clip
    float* result;
    std::int64_t begin, count;  // of its outputs
  };

  Block block(std::int64_t index) const {
    const std::int64_t b = index / blocks_of_clip_, begin = index % blocks_of_clip_ * cut_.outputs;
    if (b >= shape_.batch) return {nullptr, nullptr, 0, 0};
    const std::int64_t count = std::clamp<std::int64_t>(shape_.outputs - begin, 0, cut_.outputs);
    return {waveforms_ + b * shape_.samples, result_ + b * shape_.outputs + begin, begin, count};
  }

  // The samples of a block; those beyond the clip's ends are 0.
  const float* input(const Block& block, float* padded) const {
    const std::int64_t begin = block.begin / cut_.outputs * cut_.inputs - cut_.guard, end = begin + cut_.size_in;
    if (block.count > 0 && begin >= 0 && end <= shape_.samples) return block.clip + begin;
    std::fill_n(padded, cut_.size_in, 0.0f);
    const std::int64_t first = std::max<std::int64_t>(begin, 0), last = std::min(end, shape_.samples);
    if (block.count > 0 && last > first) std::copy(block.clip + first, block.clip + last, padded + (first - begin));
    return padded;
  }

  void compute_group(std::int64_t group, ResampleBlocks::Worker& worker, float* padded) const {
    std::vector<const float*> inputs(static_cast<std::size_t>(at_once_));
    std::vector<float*> results(inputs.size());
    std::vector<std::int64_t> counts(inputs.size());
    for (std::int64_t i = 0; i < at_once_; ++i) {
      const Block at = block(group * at_once_ + i);
      const auto slot = static_cast<std::size_t>(i);
      inputs[slot] = input(at, padded + i * cut_.size_in);
      results[slot] = at.result;
      counts[slot] = at.count;
    }
    worker(inputs.data(), results.data(), counts.data());
    for (std::int64_t i = 0; i < at_once_; i += 2) {
      compute_spoilt_pair(block(group * at_once_ + i), block(group * at_once_ + i + 1));
    }
  }

  // Every output of a transform depends on all samples, so the first of a block tells of NaN and infinity in it.
  void compute_spoilt_pair(const Block& even, const Block& odd) const {
    const auto is_fine = [](const Block& block) { return block.count == 0 || std::isfinite(block.result[0]); };
    if (is_fine(even) && is_fine(odd)) return;
    const auto rows = rows_of<float>(direction_);
    for (const Block& at : {even, odd}) {
      sum_of_clip(rows->view, at.clip, shape_.samples, at.begin, at.begin + at.count, at.result);
    }
  }

  const ResampleDirection direction_;
  const ResampleCut cut_;
  const float* const waveforms_;
  const ResampleShape shape_;
  float* const result_;
  const std::shared_ptr<const ResampleBlocks> blocks_;
  const std::int64_t at_once_, blocks_of_clip_;
};

}  // namespace

std::shared_ptr<const ResampleTaps> taps_of(const ResampleDirection& direction) {
  static Cache<ResampleDirection, ResampleTaps> cache(kCachedTables);
  return cache.get(direction, [&] {
    return std::make_shared<const ResampleTaps>(resample_taps(direction.ratio, direction.gain()));
  });
}

ResampleCell cell_of(const ResampleRatio& ratio) {
  if (ratio.step_in == ratio.step_out) return {1, 1, 0};
  const auto cut = cut_of(ratio);
  if (*cut) return {2 * (*cut)->inputs, 2 * (*cut)->outputs, (*cut)->size_in - (*cut)->guard - (*cut)->inputs};
  const std::int64_t reach = ratio.reach(), wanted = std::max(reach, kLeastCellSamples);
  const std::int64_t periods = parts_of(wanted, ratio.step_in);
  return {periods * ratio.step_in, periods * ratio.step_out, reach};
}

void resample_clips(const ResampleDirection& direction, const float* waveforms, const ResampleShape& shape,
                    float* result) {
  if (shape.batch == 0 || shape.outputs == 0) return;
  const auto cut = cut_of(direction.ratio);
  if (*cut) {
    BlockwiseClips(direction, **cut, waveforms, shape, result)();
  } else {
    sum_of_clips(direction, waveforms, shape, result);
  }
}

void resample_clips(const ResampleDirection& direction, const double* waveforms, const ResampleShape& shape,
                    double* result) {
  if (shape.outputs == 0) return;
  const auto rows = rows_of<double>(direction);
  const std::int64_t all = shape.batch * shape.outputs;
  at::parallel_for(0, all, kOutputsOfTask, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      result[i] =
          resample_sample(rows->view, waveforms + i / shape.outputs * shape.samples, shape.samples, i % shape.outputs);
    }
  });
}

}  // namespace singerprint
