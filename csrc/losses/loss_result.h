// What a loss over anchors returns: (loss (), log_sum_exp (anchors,)), the latter for its backward.
#pragma once
#include <tuple>

#include "core/precompiled.h"

namespace singerprint {

using TensorPair = std::tuple<at::Tensor, at::Tensor>;

inline TensorPair empty_result(const at::Tensor& embeddings, const c10::SymInt& anchors) {
  return {at::empty({}, embeddings.options()), at::empty_symint({anchors}, embeddings.options().dtype(at::kDouble))};
}

}  // namespace singerprint
