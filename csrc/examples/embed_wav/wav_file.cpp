#include "wav_file.h"

#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

namespace {

static_assert(std::endian::native == std::endian::little, "WAV files are little endian");

constexpr std::uint16_t kPcm = 1, kFloat = 3, kExtensible = 0xFFFE;
constexpr std::size_t kFormatBytes = 16, kSubFormatAt = 24;

struct Format {
  std::uint16_t kind, channels;
  std::uint32_t sample_rate_hz;
  std::uint16_t bits;
};

template <class Number>
Number number_at(std::string_view bytes, std::size_t at) {
  if (at + sizeof(Number) > bytes.size()) throw std::runtime_error("it is cut off");
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof(Number));
  return number;
}

Format format_of(std::string_view chunk) {
  if (chunk.size() < kFormatBytes) throw std::runtime_error("its format is cut off");
  Format format{number_at<std::uint16_t>(chunk, 0), number_at<std::uint16_t>(chunk, 2),
                number_at<std::uint32_t>(chunk, 4), number_at<std::uint16_t>(chunk, 14)};
  if (format.kind == kExtensible) format.kind = number_at<std::uint16_t>(chunk, kSubFormatAt);
  const bool pcm = format.kind == kPcm && (format.bits == 16 || format.bits == 24 || format.bits == 32);
  const bool floats = format.kind == kFloat && (format.bits == 32 || format.bits == 64);
  if (!(pcm || floats) || format.channels == 0 || format.sample_rate_hz == 0) {
    throw std::runtime_error("it must be PCM of 16, 24 or 32 bits or floats of 32 or 64");
  }
  return format;
}

double sample_at(std::string_view data, std::size_t at, const Format& format) {
  if (format.kind == kFloat) return format.bits == 32 ? number_at<float>(data, at) : number_at<double>(data, at);
  if (format.bits == 16) return number_at<std::int16_t>(data, at) / 32768.0;
  if (format.bits == 32) return number_at<std::int32_t>(data, at) / 2147483648.0;
  const auto low = number_at<std::uint16_t>(data, at);
  return (number_at<std::int8_t>(data, at + 2) * 65536 + low) / 8388608.0;
}

WavFile parse(std::string_view content) {
  if (content.size() < 12 || content.substr(0, 4) != "RIFF" || content.substr(8, 4) != "WAVE") {
    throw std::runtime_error("it is no WAV file");
  }
  Format format{};
  for (std::size_t at = 12; at + 8 <= content.size();) {
    const std::string_view name = content.substr(at, 4);
    const std::size_t size = number_at<std::uint32_t>(content, at + 4);
    const std::string_view chunk = content.substr(at + 8, size);
    if (name == "fmt ") format = format_of(chunk);
    if (name == "data") {
      if (format.channels == 0) throw std::runtime_error("its samples come before their format");
      WavFile file{{}, format.sample_rate_hz};
      const std::size_t bytes = format.bits / 8, frame = bytes * format.channels;
      for (std::size_t start = 0; start + frame <= chunk.size(); start += frame) {
        double sum = 0;
        for (std::size_t channel = 0; channel < format.channels; ++channel) {
          sum += sample_at(chunk, start + channel * bytes, format);
        }
        file.samples.push_back(static_cast<float>(sum / format.channels));
      }
      return file;
    }
    at += 8 + size + size % 2;  // chunks begin at even places
  }
  throw std::runtime_error("it holds no samples");
}

}  // namespace

WavFile read_wav(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error(path + " cannot be opened");
  const std::string content{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  try {
    return parse(content);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(path + " cannot be read: " + error.what());
  }
}
