// efficientnet_inference: efficientnet (nn/efficientnet.h) where nothing but the values is wanted: in eval mode,
// without gradients, in float32 or bfloat16 on the CPU. nn/folded_clip.h computes it, in parallel over clips, or inside
// a clip where there are fewer clips than threads.
//
// bfloat16 means tensors of that dtype, or an autocast region of it. Where the processor multiplies bfloat16, weights
// are rounded to it once they are folded, and activations as they are stored; elsewhere it is computed in float32,
// which is as fast there, and only the result is rounded.
//
// The batch norms are folded into the filters at the first call and again when a tensor has changed: when it lies in
// other memory, when PyTorch has counted a change of it, or when some of its values, evenly spread, are others. So
// everything that PyTorch counts is seen, and of what it does not (edits through tensor.data or shared memory) whatever
// concerns a tensor as a whole; a few single values changed that way may be overlooked.
#pragma once
#include <ATen/core/Tensor.h>

#include "nn/efficientnet_layout.h"

namespace singerprint {

// Whether that is the case, and the tensors are plain memory: none that is being traced, transformed or differentiated.
bool infers_natively(const at::Tensor& spectrograms, at::TensorList parameters, at::TensorList running_statistics);

// The arguments of efficientnet and of efficientnet_features, which they have checked.
at::Tensor efficientnet_inference(const EfficientNetVariant& variant, const at::Tensor& spectrograms,
                                  at::TensorList parameters, at::TensorList running_statistics, double eps);
at::Tensor efficientnet_features_inference(const EfficientNetVariant& variant, const at::Tensor& spectrograms,
                                           at::TensorList parameters, at::TensorList running_statistics, double eps);

}  // namespace singerprint
