#include "nn/vit.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_upsample_bicubic2d_aa.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>

#include <algorithm>
#include <memory>

#include "core/cache.h"
#include "core/check.h"
#include "core/precompiled.h"
#include "nn/transformer_blocks.h"

namespace singerprint {
namespace {

constexpr const char* kOp = "vit";
enum Place : std::size_t { kClassToken, kPositions, kPatchWeight, kPatchBias };

VitShape shape_of(at::TensorList parameters, std::int64_t mels) {
  const std::int64_t layers = blocks_of(kOp, parameters, kVitTensorsBeforeBlocks + kVitTensorsAfterBlocks);
  const std::int64_t patch = size_or_one(parameters, kPatchWeight, 2);
  TORCH_CHECK_VALUE(mels > 0 && mels % patch == 0, kOp, ": mels must be a positive multiple of ", patch, ", got ",
                    mels);
  const std::int64_t columns = (size_or_one(parameters, kPositions, 1) - 1) / (mels / patch);
  return {size_or_one(parameters, kPatchWeight, 1),
          mels,
          std::max<std::int64_t>(columns, 1) * patch,
          size_or_one(parameters, parameters.size() - 1, 0),
          patch,
          {size_or_one(parameters, kPatchWeight, 0), layers,
           size_or_one(parameters, kVitTensorsBeforeBlocks + kHiddenInBlock, 0)}};
}

VitShape checked_shape(const at::Tensor& spectrograms, at::TensorList parameters, std::int64_t mels,
                       std::int64_t heads) {
  const VitShape shape = shape_of(parameters, mels);
  static Cache<VitShape, DrawnLayout> layouts(8);
  const auto layout = layouts.get(shape, [&] { return std::make_shared<const DrawnLayout>(vit_layout(shape)); });
  check_transformer(kOp, spectrograms, parameters, *layout, shape.channels, mels, shape.blocks.dim, heads);
  return shape;
}

// Whole columns of patches: (batch, channels, mels, patch * columns).
at::Tensor whole_columns(const at::Tensor& spectrograms, std::int64_t patch) {
  const c10::SymInt frames = spectrograms.sym_size(3);
  if (frames >= patch) return spectrograms.narrow_symint(3, 0, frames / patch * patch);
  const c10::SymInt times = (frames + patch - 1) / frames;
  return spectrograms.repeat_symint({1, 1, 1, times}).narrow(3, 0, patch);
}

// (batch, rows * columns, channels * patch * patch): as products of matrices they take less than a convolution, and are
// tokens already.
at::Tensor patches_of(const at::Tensor& images, const VitShape& shape, const c10::SymInt& columns) {
  const c10::SymInt batch = images.sym_size(0);
  const std::int64_t patch = shape.patch;
  return images.reshape_symint({batch, shape.channels, shape.rows(), patch, columns, patch})
      .permute({0, 2, 4, 1, 3, 5})
      .reshape_symint({batch, shape.rows() * columns, shape.channels * patch * patch});
}

// (1, 1 + rows * columns, dim) for any number of columns.
at::Tensor positions_for(const at::Tensor& positions, const VitShape& shape, const c10::SymInt& columns) {
  const std::int64_t learned = shape.columns(), dim = shape.blocks.dim;
  if (columns == learned) return positions;
  const at::ScalarType wide = at::promote_types(positions.scalar_type(), at::kFloat);
  // What interpolation makes of unit vectors is its matrix. A product with it has a backward without atomics on a GPU.
  const at::Tensor units = at::eye(learned, positions.options().dtype(wide)).view({1, learned, 1, learned});
  const at::Tensor weights =
      at::_upsample_bicubic2d_aa_symint(units, {1, columns}, /*align_corners=*/false).view_symint({learned, columns});
  const at::Tensor grid = positions.narrow(1, 1, shape.rows() * learned).to(wide).view({shape.rows(), learned, dim});
  const at::Tensor resized = at::matmul(weights.t(), grid)  // (rows, columns, dim)
                                 .reshape_symint({1, shape.rows() * columns, dim});
  return at::cat({positions.narrow(1, 0, 1), resized.to(positions.scalar_type())}, 1);
}

}  // namespace

at::Tensor vit(const at::Tensor& spectrograms, at::TensorList parameters, std::int64_t mels, std::int64_t heads) {
  const VitShape shape = checked_shape(spectrograms, parameters, mels, heads);
  const at::Tensor images = whole_columns(spectrograms, shape.patch);
  const c10::SymInt columns = images.sym_size(3) / shape.patch;
  const at::Tensor patches =
      at::linear(patches_of(images, shape, columns), parameters[kPatchWeight].flatten(1), parameters[kPatchBias]);
  const at::Tensor class_tokens = parameters[kClassToken].expand_symint({images.sym_size(0), 1, shape.blocks.dim});
  const at::Tensor tokens = at::cat({class_tokens, patches}, 1) + positions_for(parameters[kPositions], shape, columns);
  const std::size_t blocks_end = parameters.size() - kVitTensorsAfterBlocks;
  const at::Tensor first =
      transformer_blocks(tokens, parameters.slice(kVitTensorsBeforeBlocks, blocks_end - kVitTensorsBeforeBlocks), heads,
                         Outputs::kFirstToken);  // (batch, 1, dim)
  return at::gelu(at::linear(first.squeeze(1), parameters[blocks_end], parameters[blocks_end + 1]));
}

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("vit(Tensor spectrograms, Tensor[] parameters, int mels, int heads) -> Tensor", &vit);
}

}  // namespace singerprint
