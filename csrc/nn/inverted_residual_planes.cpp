#include "nn/inverted_residual_planes.h"

#include <cstring>

namespace singerprint {

std::int64_t InvertedResidualShape::in_floats() const {
  return lane_blocks(block.in_channels) * clips * in.pixels() * training_kernels().lanes;
}

std::int64_t InvertedResidualShape::out_floats() const {
  return lane_blocks(block.out_channels) * clips * out().pixels() * training_kernels().lanes;
}

std::int64_t InvertedResidualShape::expanded_floats() const {
  return block.expands() ? lane_blocks(block.expanded_channels) * clips * in.pixels() * training_kernels().lanes : 0;
}

std::int64_t InvertedResidualShape::filtered_floats() const {
  return lane_blocks(block.expanded_channels) * clips * out().pixels() * training_kernels().lanes;
}

std::int64_t InvertedResidualShape::small_floats() const {
  const std::int64_t expanded = lane_blocks(block.expanded_channels), squeezed = lane_blocks(block.squeezed_channels);
  const std::int64_t norms = kNormRows * (2 * expanded + lane_blocks(block.out_channels));
  return (norms + clips * (2 * expanded + squeezed)) * training_kernels().lanes;
}

BorderedPlane::BorderedPlane(Picture picture, std::int64_t border)
    : picture_(picture), border_(border), memory_((picture.rows + 2 * border) * row_floats(), AlignedFloats::Unset{}) {}

InvertedResidualPlanes::InvertedResidualPlanes(const InvertedResidualShape& shape, const InvertedResidualState& state)
    : expanded_blocks(lane_blocks(shape.block.expanded_channels)),
      squeezed_blocks(lane_blocks(shape.block.squeezed_channels)) {
  const std::int64_t lanes = training_kernels().lanes;
  const auto planes = [&](float* data, Picture size) { return Planes<float>{data, shape.clips, size.pixels(), lanes}; };
  expanded = planes(state.expanded, shape.in);
  filtered = planes(state.filtered, shape.out());
  projected = planes(state.projected, shape.out());

  float* next = state.small;
  const auto norm = [&](std::int64_t blocks) {
    const FittedNorm fitted{next, lanes};
    next += blocks * kNormRows * lanes;
    return fitted;
  };
  const auto of_clips = [&](std::int64_t blocks) {
    const Planes<float> values{next, 1, shape.clips, lanes};
    next += blocks * values.block_floats();
    return values;
  };
  expand_norm = norm(expanded_blocks);
  filter_norm = norm(expanded_blocks);
  project_norm = norm(lane_blocks(shape.block.out_channels));
  pooled = of_clips(expanded_blocks);
  squeezed = of_clips(squeezed_blocks);
  gates = of_clips(expanded_blocks);
}

void fill_input(const InvertedResidualShape& shape, const InvertedResidualPlanes& planes, const float* in,
                std::int64_t block, std::int64_t clip, BorderedPlane& plane) {
  const std::int64_t lanes = training_kernels().lanes, columns = shape.in.columns;
  const std::int64_t picture = (block * shape.clips + clip) * shape.in.pixels() * lanes;
  plane.fill([&](std::int64_t y, float* row) {
    const std::int64_t at = picture + y * columns * lanes;
    if (shape.block.expands()) {
      training_kernels().norm.activate(planes.expanded.data + at, planes.expand_norm.lanes_of(block), nullptr, columns,
                                       row);
    } else {
      std::memcpy(row, in + at, static_cast<std::size_t>(columns * lanes) * sizeof(float));
    }
  });
}

}  // namespace singerprint
