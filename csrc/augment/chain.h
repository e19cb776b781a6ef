// chain: ops one after the other, a clip at a time.
//   y[b] = op_n(... op_2(op_1(x[b], arguments_1[b]), arguments_2[b]) ..., arguments_n[b])
// What one op writes, the next finds in the cache, and threads meet once, not once an op. On CUDA the ops take the
// whole batch. The ops are those of this library, by name, whose first argument are the waveforms and whose result for
// a clip depends on that clip alone. The other arguments lie in lists, in the order of the ops and of their schemas:
// tensors, numbers (float, int, bool) and words (str). A tensor whose first dimension is the batch has a row for each
// clip; others are everybody's.
#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <string>
#include <vector>

namespace singerprint {

struct ChainLink {
  c10::OperatorHandle op;
  std::vector<c10::IValue> arguments;  // after the waveforms
};

// Throws where a name is none, or the lists are longer or shorter than what the ops take.
std::vector<ChainLink> chain_links(const c10::List<std::string>& ops, at::TensorList tensors,
                                   at::ArrayRef<double> numbers, const c10::List<std::string>& words);

}  // namespace singerprint
