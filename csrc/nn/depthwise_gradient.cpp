#include "nn/depthwise_gradient.h"

namespace singerprint {

DepthwiseGradient::DepthwiseGradient(const InvertedResidualShape& shape, const float* filters, std::int64_t block,
                                     int workers)
    : shape_(shape), block_(block), kernel_(shape.block.kernel), stride_(shape.block.stride) {
  const std::int64_t taps = kernel_ * kernel_, lanes = kernels_.lanes, first = block * lanes;
  for (int worker = 0; worker < workers; ++worker) {
    memories_.push_back(
        {BorderedPlane(shape.in, kernel_ / 2), BorderedPlane(shape.out(), stride_ == 1 ? kernel_ / 2 : 1)});
  }
  weights_ = AlignedFloats(taps * lanes);
  phase_weights_ = AlignedFloats(taps * lanes);
  clip_gradients_ = AlignedFloats(shape.clips * taps * lanes);
  pack_weights({filters + first * taps, std::min(lanes, shape.block.expanded_channels - first), taps, taps, 1},
               weights_.data());
  float* to = phase_weights_.data();
  for (std::int64_t y = 0; y < stride_; ++y) {
    for (std::int64_t x = 0; x < stride_; ++x) {
      pack_phase(phase(y), phase(x), to);
      to += phase(y).taps * phase(x).taps * lanes;
    }
  }
}

DepthwiseGradient::Phase DepthwiseGradient::phase(std::int64_t first) const {
  const int border = kernel_ / 2, padded = static_cast<int>(first) + border;
  const int first_tap = padded % stride_, taps = (kernel_ - 1 - first_tap) / stride_ + 1;
  const int last_tap = first_tap + (taps - 1) * stride_;
  const int border_of_dout = stride_ == 1 ? border : 1;
  return {first, last_tap, taps, (padded - last_tap) / stride_ + border_of_dout};
}

void DepthwiseGradient::pack_phase(Phase rows, Phase columns, float* to) const {
  const std::int64_t lanes = kernels_.lanes;
  for (int i = 0; i < rows.taps; ++i) {
    for (int j = 0; j < columns.taps; ++j, to += lanes) {
      const std::int64_t tap = (rows.last_tap - i * stride_) * kernel_ + columns.last_tap - j * stride_;
      std::copy_n(weights_.data() + tap * lanes, lanes, to);
    }
  }
}

void DepthwiseGradient::run_phase(Phase rows, Phase columns, const float* weights, const BorderedPlane& dout,
                                  float* din) const {
  const std::int64_t lanes = kernels_.lanes, in_columns = shape_.in.columns;
  const std::int64_t row_count = parts_of(shape_.in.rows - rows.first, stride_);
  const std::int64_t column_count = parts_of(in_columns - columns.first, stride_);
  kernels_.gradient.depthwise({dout.data() + rows.begin * dout.row_floats() + columns.begin * lanes, dout.row_floats(),
                               din + (rows.first * in_columns + columns.first) * lanes, stride_ * in_columns * lanes,
                               stride_, row_count, column_count},
                              weights, rows.taps, columns.taps, 1);
}

void DepthwiseGradient::run(std::int64_t clip, const Memory& memory, float* din) {
  const float* weights = phase_weights_.data();
  for (std::int64_t y = 0; y < stride_; ++y) {
    for (std::int64_t x = 0; x < stride_; ++x) {
      run_phase(phase(y), phase(x), weights, memory.dout, din);
      weights += phase(y).taps * phase(x).taps * kernels_.lanes;
    }
  }
  const Picture out = shape_.out();
  kernels_.gradient.depthwise_weights(
      {memory.in.data(), memory.in.row_floats(), memory.dout.at(0, 0), memory.dout.row_floats(), out.rows, out.columns},
      kernel_, stride_, clip_gradients_.data() + clip * kernel_ * kernel_ * kernels_.lanes);
}

void DepthwiseGradient::write_weights(float* dfilters) const {
  const std::int64_t taps = kernel_ * kernel_, lanes = kernels_.lanes, first = block_ * lanes;
  for (std::int64_t lane = 0; lane < std::min(lanes, shape_.block.expanded_channels - first); ++lane) {
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      double sum = 0;
      for (std::int64_t clip = 0; clip < shape_.clips; ++clip) {
        sum += clip_gradients_.data()[(clip * taps + tap) * lanes + lane];
      }
      dfilters[(first + lane) * taps + tap] = static_cast<float>(sum);
    }
  }
}

}  // namespace singerprint
