// Where the parts of an inverted residual lie, and its depthwise convolution's inputs: both passes share it.
#pragma once
#include <cstdint>

#include "dsp/aligned_floats.h"
#include "nn/inverted_residual.h"

namespace singerprint {

// A picture of one block of channels within a border of zeros.
class BorderedPlane {
 public:
  BorderedPlane(Picture picture, std::int64_t border);

  // Asks row(y, to) to write each row, and clears the border.
  template <class WriteRow>
  void fill(WriteRow write_row) {
    const std::int64_t lanes = training_kernels().lanes;
    std::fill_n(data(), border_ * row_floats(), 0.0f);
    for (std::int64_t y = 0; y < picture_.rows; ++y) {
      float* const row = data() + (border_ + y) * row_floats();
      std::fill_n(row, border_ * lanes, 0.0f);
      write_row(y, row + border_ * lanes);
      std::fill_n(row + (border_ + picture_.columns) * lanes, border_ * lanes, 0.0f);
    }
    std::fill_n(data() + (border_ + picture_.rows) * row_floats(), border_ * row_floats(), 0.0f);
  }

  std::int64_t row_floats() const { return (picture_.columns + 2 * border_) * training_kernels().lanes; }
  float* data() const { return memory_.data(); }
  // The pixel (y, x) of the picture.
  const float* at(std::int64_t y, std::int64_t x) const {
    return data() + (border_ + y) * row_floats() + (border_ + x) * training_kernels().lanes;
  }

 private:
  Picture picture_;
  std::int64_t border_;
  AlignedFloats memory_;
};

struct InvertedResidualPlanes {
  InvertedResidualPlanes(const InvertedResidualShape& shape, const InvertedResidualState& state);

  std::int64_t expanded_blocks;
  std::int64_t squeezed_blocks;
  Planes<float> expanded;
  Planes<float> filtered;
  Planes<float> projected;
  FittedNorm expand_norm;
  FittedNorm filter_norm;
  FittedNorm project_norm;
  // One clip of `clips` pixels each: products over clips are products over pixels.
  Planes<float> pooled;
  Planes<float> squeezed;  // before its SiLU
  Planes<float> gates;
};

// The depthwise convolution's input, y1.
void fill_input(const InvertedResidualShape& shape, const InvertedResidualPlanes& planes, const float* in,
                std::int64_t block, std::int64_t clip, BorderedPlane& plane);

}  // namespace singerprint
