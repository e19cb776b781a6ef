#include "models/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <stdexcept>

namespace singerprint {
namespace {

std::string written(const std::string& header, const std::string& values) {
  const std::string path = testing::TempDir() + "safetensors_test.safetensors";
  const std::uint64_t length = header.size();
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&length), sizeof(length));
  file << header << values;
  return path;
}

std::string error_of(const std::string& header, const std::string& values) {
  const std::string path = written(header, values);
  try {
    read_safetensors(path);
  } catch (const std::runtime_error& error) {
    const std::string prefix = "load_model: " + path + " cannot be read: ";
    return std::string(error.what()).substr(prefix.size());
  }
  return "no error";
}

template <class Number>
std::string bytes_of(const std::vector<Number>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number)};
}

TEST(Safetensors, TensorsAreReadByName) {
  const std::string path =
      written(R"({"__metadata__": {"format": "pt"}, "b": {"dtype": "I64", "shape": [], "data_offsets": [24, 32]},)"
              R"( "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}})",
              bytes_of<float>({1, 2, 3, 4, 5, 6.5}) + bytes_of<std::int64_t>({7}));
  const auto tensors = read_safetensors(path);
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors.at("a").sizes(), at::IntArrayRef({2, 3}));
  EXPECT_EQ(tensors.at("a")[1][2].item<float>(), 6.5f);
  EXPECT_EQ(tensors.at("b").dim(), 0);
  EXPECT_EQ(tensors.at("b").item<std::int64_t>(), 7);
}

TEST(Safetensors, DamagedFilesAreNamed) {
  const std::string four(4, '\0');
  EXPECT_EQ(error_of("{", four), "no JSON at byte 1");
  EXPECT_EQ(error_of(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})", four),
            "its data_offsets must hold its shape");
  EXPECT_EQ(error_of(R"({"a": {"dtype": "F32", "shape": [9e15, 9e15], "data_offsets": [0, 4]}})", four),
            "its data_offsets must hold its shape");
  EXPECT_EQ(error_of(R"({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})", four),
            "shape must be whole numbers");
  EXPECT_EQ(error_of(R"({"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}})", four),
            "its dtype must be F32 or I64, got BF16");
  EXPECT_EQ(error_of(R"({"a": {"dtype": "F32", "shape": [1]}})", four), "it lacks data_offsets");
}

TEST(Safetensors, AFileThatIsMissingOrCutOffIsNamed) {
  EXPECT_THROW(
      {
        try {
          read_safetensors("/no/such/file");
        } catch (const std::runtime_error& error) {
          EXPECT_STREQ(error.what(), "load_model: /no/such/file cannot be opened");
          throw;
        }
      },
      std::runtime_error);
  const std::string path = testing::TempDir() + "cut.safetensors";
  std::ofstream(path, std::ios::binary) << std::string("\x40\0\0\0\0\0\0\0{}", 10);
  try {
    read_safetensors(path);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()), "load_model: " + path + " cannot be read: its header is cut off");
  }
}

}  // namespace
}  // namespace singerprint
