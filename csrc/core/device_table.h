// Tables in the memory of a device. For the glue of ops.
#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <vector>

namespace singerprint {

template <class Number>
at::Tensor on_device(const std::vector<Number>& numbers, at::ScalarType dtype, c10::Device device) {
  const at::Tensor host = at::empty({static_cast<std::int64_t>(numbers.size())}, at::TensorOptions().dtype(dtype));
  std::copy(numbers.begin(), numbers.end(), static_cast<Number*>(host.mutable_data_ptr()));
  // A blocking copy: another stream may be the next to read it.
  return host.to(device);
}

}  // namespace singerprint
