// Tensors of a .safetensors file: 8 bytes with the length of a JSON header, little endian, the header, the values.
//   {"name": {"dtype": "F32", "shape": [32, 1, 3, 3], "data_offsets": [begin, end]}, "__metadata__": {...}}
// Source: https://huggingface.co/docs/safetensors (format).
#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace singerprint {

// Throws std::runtime_error, which names the file, where it is missing, damaged, or has another dtype than F32 and I64.
std::map<std::string, at::Tensor> read_safetensors(const std::string& path);

}  // namespace singerprint
