// What a C++ program is told of a model that it cannot use. That a model embeds as in Python is tested by
// tests/python/test_cpp_library.py, with the installed library.
#include "models/singer_encoder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace singerprint {
namespace {

const std::string kConfig =
    R"("sample_rate_hz": 44100, "n_fft": 2048, "hop_length": 512, "n_mels": 80, "fmin_hz": 0.0, "fmax_hz": null, )"
    R"("mel_scale": "slaney", "mel_norm": "slaney", "log_offset": 1e-08, "embedding_dim": 16, "window_seconds": 4.0)";

std::string error_of(const std::string& description) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "singer_encoder_test";
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "encoder.json") << description;
  try {
    SingerEncoder encoder(folder.string());
  } catch (const std::runtime_error& error) {
    const std::string sentence = error.what(), where = folder.string();
    const std::size_t at = sentence.find(where);
    return at == std::string::npos ? sentence : sentence.substr(0, at) + sentence.substr(at + where.size());
  }
  return "no error";
}

TEST(SingerEncoder, AModelThatCannotBeUsedIsNamed) {
  EXPECT_EQ(error_of("{}"), "load_model: /encoder.json cannot be read: it lacks config");
  EXPECT_EQ(error_of(R"({"config": {"sample_rate_hz": 44100}})"),
            "load_model: /encoder.json cannot be read: it lacks n_fft");
  EXPECT_EQ(error_of(R"({"config": {"sample_rate_hz": 44100.5}})"),
            "load_model: /encoder.json cannot be read: sample_rate_hz must be a positive whole number");
  EXPECT_EQ(error_of("{\"config\": {" + kConfig + R"(, "window_seconds": 0}})"),
            "load_model: /encoder.json cannot be read: window_seconds must be at least 0.1 and finite");
  EXPECT_EQ(error_of(R"({"config": {"network": "vit_s16"}})"),
            "load_model: /encoder.json cannot be read: its network must be efficientnet_b0 for C++ programs, got "
            "vit_s16");
  EXPECT_EQ(error_of(R"({"config": {"peak_normalize": true}})"),
            "load_model: /encoder.json cannot be read: its peak_normalize must be false for C++ programs, got true");
  EXPECT_EQ(error_of(R"({"config": {"peak_normalize": 1}})"),
            "load_model: /encoder.json cannot be read: peak_normalize must be true or false");
  EXPECT_EQ(error_of("{\"config\": {" + kConfig + R"(, "normalization": "batch_maximum"}})"),
            "load_model: /encoder.json cannot be read: its normalization must be standardize or clip_maximum for C++ "
            "programs, got batch_maximum");
  EXPECT_EQ(error_of("{\"config\": {" + kConfig + "}}"), "load_model: /encoder.safetensors cannot be opened");
}

}  // namespace
}  // namespace singerprint
