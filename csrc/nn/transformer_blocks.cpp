#include "nn/transformer_blocks.h"

#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include "core/check.h"
#include "core/precompiled.h"

namespace singerprint {
namespace {

// (batch, tokens, dim) to (batch, heads, tokens, dim / heads).
at::Tensor by_head(const at::Tensor& tokens, std::int64_t heads) {
  return tokens.unflatten(-1, {heads, -1}).transpose(1, 2);
}

// All tokens, or the first alone, listen to all of them.
at::Tensor attention(const at::Tensor& tokens, const at::Tensor& weight, const at::Tensor& bias, std::int64_t heads,
                     Outputs outputs) {
  const std::int64_t dim = weight.size(1);
  std::vector<at::Tensor> parts;  // query, key, value
  if (outputs == Outputs::kAllTokens) {
    parts = at::linear(tokens, weight, bias).chunk(3, -1);
  } else {
    parts = at::linear(tokens, weight.narrow(0, dim, 2 * dim), bias.narrow(0, dim, 2 * dim)).chunk(2, -1);
    const at::Tensor first = tokens.narrow(1, 0, 1);
    parts.insert(parts.begin(), at::linear(first, weight.narrow(0, 0, dim), bias.narrow(0, 0, dim)));
  }
  const at::Tensor heard =
      at::scaled_dot_product_attention(by_head(parts[0], heads), by_head(parts[1], heads), by_head(parts[2], heads));
  return heard.transpose(1, 2).flatten(-2);
}

at::Tensor block(const at::Tensor& tokens, at::TensorList parameters, std::int64_t heads, Outputs outputs) {
  const at::Tensor heard =
      attention(normalized_tokens(tokens, parameters[0], parameters[1]), parameters[2], parameters[3], heads, outputs);
  const at::Tensor kept = outputs == Outputs::kAllTokens ? tokens : tokens.narrow(1, 0, 1);
  const at::Tensor middle = kept + at::linear(heard, parameters[4], parameters[5]);
  const at::Tensor hidden =
      at::gelu(at::linear(normalized_tokens(middle, parameters[6], parameters[7]), parameters[8], parameters[9]));
  return middle + at::linear(hidden, parameters[10], parameters[11]);
}

void check_spectrograms(const char* op, const at::Tensor& spectrograms) {
  TORCH_CHECK_VALUE(spectrograms.dim() == 4, op, ": spectrograms must have shape (batch, channels, mels, frames), got ",
                    spectrograms.sym_sizes());
  TORCH_CHECK_TYPE(spectrograms.is_floating_point(), op, ": spectrograms must have a floating point dtype, got ",
                   spectrograms.scalar_type());
  TORCH_CHECK_VALUE(spectrograms.sym_size(0) > 0 && spectrograms.sym_size(2) > 0 && spectrograms.sym_size(3) > 0, op,
                    ": spectrograms must hold at least one clip, mel and frame, got ", spectrograms.sym_sizes());
}

}  // namespace

at::Tensor normalized_tokens(const at::Tensor& tokens, const at::Tensor& weight, const at::Tensor& bias) {
  return at::layer_norm(tokens, weight.sizes(), weight, bias, kLayerNormEps);
}

at::Tensor transformer_blocks(const at::Tensor& tokens, at::TensorList parameters, std::int64_t heads,
                              Outputs outputs) {
  at::Tensor result = tokens;
  for (std::size_t first = 0; first < parameters.size(); first += kTensorsPerBlock) {
    const bool is_last = first + kTensorsPerBlock == parameters.size();
    result = block(result, parameters.slice(first, kTensorsPerBlock), heads, is_last ? outputs : Outputs::kAllTokens);
  }
  return result;
}

std::int64_t blocks_of(const char* op, at::TensorList parameters, std::int64_t tensors_around_blocks) {
  const std::int64_t of_blocks = static_cast<std::int64_t>(parameters.size()) - tensors_around_blocks;
  TORCH_CHECK_VALUE(of_blocks > 0 && of_blocks % kTensorsPerBlock == 0, op, ": parameters must be ",
                    tensors_around_blocks, " tensors and ", kTensorsPerBlock, " for each block, got ",
                    parameters.size());
  return of_blocks / kTensorsPerBlock;
}

std::int64_t size_or_one(at::TensorList parameters, std::size_t place, std::int64_t axis) {
  const at::Tensor& tensor = parameters[place];
  return axis < tensor.dim() && tensor.size(axis) > 0 ? tensor.size(axis) : 1;
}

void check_transformer(const char* op, const at::Tensor& spectrograms, at::TensorList parameters,
                       const DrawnLayout& layout, std::int64_t channels, std::int64_t mels, std::int64_t dim,
                       std::int64_t heads) {
  check_spectrograms(op, spectrograms);
  const at::DeviceType device = spectrograms.device().type();
  const bool autocast = at::autocast::is_autocast_available(device) && at::autocast::is_autocast_enabled(device);
  for (std::size_t place = 0; place < layout.size(); ++place) {
    const char* const name = layout[place].name.c_str();
    const at::Tensor& tensor = parameters[place];
    TORCH_CHECK_VALUE(tensor.sym_sizes() == c10::fromIntArrayRefSlow(layout[place].shape), op, ": ", name,
                      " must have shape ", at::IntArrayRef(layout[place].shape), ", got ", tensor.sym_sizes());
    if (!autocast) check_dtype(op, name, tensor, spectrograms.scalar_type());
    check_same_device(op, name, tensor, spectrograms);
  }
  TORCH_CHECK_VALUE(spectrograms.sym_size(1) == channels && spectrograms.sym_size(2) == mels, op,
                    ": spectrograms must have shape (batch, channels, mels, frames) with channels = ", channels,
                    " and mels = ", mels, ", got ", spectrograms.sym_sizes());
  TORCH_CHECK_VALUE(heads > 0 && dim % heads == 0, op, ": heads must divide the dim of the tokens, ", dim, ", got ",
                    heads);
}

}  // namespace singerprint
