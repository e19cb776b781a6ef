#include "models/safetensors.h"

#include <ATen/ops/empty.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

#include "models/json.h"

namespace singerprint {
namespace {

static_assert(std::endian::native == std::endian::little, "the values of the file are little endian");

constexpr std::uint64_t kLengthBytes = 8;

at::ScalarType dtype_of(const std::string& name) {
  if (name == "F32") return at::kFloat;
  if (name == "I64") return at::kLong;
  throw std::runtime_error("its dtype must be F32 or I64, got " + name);
}

std::int64_t whole(const JsonValue& value, const char* name) {
  const double number = value.number(name);
  constexpr double kGreatest = 1LL << 53;  // what a double counts without a gap
  if (!(number >= 0 && number <= kGreatest && number == static_cast<double>(static_cast<std::int64_t>(number)))) {
    throw std::runtime_error(std::string(name) + " must be whole numbers");
  }
  return static_cast<std::int64_t>(number);
}

at::Tensor tensor_of(const JsonValue::Object& entry, std::string_view values) {
  const auto member = [&](const char* name) -> const JsonValue& {
    const auto found = entry.find(name);
    if (found == entry.end()) throw std::runtime_error(std::string("it lacks ") + name);
    return found->second;
  };
  std::vector<std::int64_t> shape, offsets;
  for (const JsonValue& size : member("shape").array("shape")) shape.push_back(whole(size, "shape"));
  for (const JsonValue& place : member("data_offsets").array("data_offsets")) {
    offsets.push_back(whole(place, "data_offsets"));
  }
  const at::ScalarType dtype = dtype_of(member("dtype").string("dtype"));
  const std::int64_t size = dtype == at::kFloat ? sizeof(float) : sizeof(std::int64_t);
  // Counted before anything is allocated: the header may be damaged.
  const std::int64_t most = static_cast<std::int64_t>(values.size());
  std::int64_t bytes = size;
  for (const std::int64_t length : shape) bytes = length == 0 || bytes <= most / length ? bytes * length : most + 1;
  if (offsets.size() != 2 || offsets[1] > most || offsets[0] > offsets[1] || offsets[1] - offsets[0] != bytes) {
    throw std::runtime_error("its data_offsets must hold its shape");
  }
  at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(dtype));
  std::memcpy(tensor.mutable_data_ptr(), values.data() + offsets[0], static_cast<std::size_t>(bytes));
  return tensor;
}

std::map<std::string, at::Tensor> tensors_of(std::string_view content) {
  std::uint64_t length = 0;
  if (content.size() < kLengthBytes) throw std::runtime_error("it has no header");
  std::memcpy(&length, content.data(), kLengthBytes);
  if (length > content.size() - kLengthBytes) throw std::runtime_error("its header is cut off");
  const JsonValue header = parse_json(content.substr(kLengthBytes, length));
  const std::string_view values = content.substr(kLengthBytes + length);
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, entry] : header.object("its header")) {
    if (name != "__metadata__") tensors.emplace(name, tensor_of(entry.object(name), values));
  }
  return tensors;
}

}  // namespace

std::map<std::string, at::Tensor> read_safetensors(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("load_model: " + path + " cannot be opened");
  const std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  try {
    return tensors_of(content);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error("load_model: " + path + " cannot be read: " + error.what());
  }
}

}  // namespace singerprint
