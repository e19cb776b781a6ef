#include "models/singer_encoder.h"

#include <ATen/TensorIndexing.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/stack.h>
#include <c10/core/InferenceMode.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/parts.h"
#include "models/json.h"
#include "models/safetensors.h"
#include "nn/efficientnet_module.h"

namespace singerprint {
namespace {

constexpr double kMinimumClipSeconds = 0.1;
constexpr double kLongestWindowSeconds = 1e6, kGreatestWhole = 1e9;
constexpr std::int64_t kWindowsPerBatch = 16;
constexpr double kVarianceEps = 1e-5;  // frontend/standardize.py
// Mean and deviation of ImageNet's red, green and blue: models/normalization.py
constexpr std::pair<double, double> kImageNet[] = {{0.485, 0.229}, {0.456, 0.224}, {0.406, 0.225}};

// The values of encoder.json (models/encoder_config.py).
struct Config {
  std::int64_t sample_rate_hz, n_fft, hop_length, n_mels, embedding_dim;
  double filter_rate_hz, fmin_hz, fmax_hz, log_offset, window_seconds;
  std::string mel_scale, mel_norm, normalization;

  std::int64_t samples_of(double seconds) const {
    return static_cast<std::int64_t>(std::nearbyint(seconds * static_cast<double>(sample_rate_hz)));
  }
  std::int64_t channels() const { return normalization == "standardize" ? 1 : 3; }
};

Config config_of(const JsonValue::Object& values) {
  const auto absent = [&](const char* name) { return !values.contains(name) || values.at(name).is_null(); };
  const auto value = [&](const char* name) -> const JsonValue& {
    if (!values.contains(name)) throw std::runtime_error(std::string("it lacks ") + name);
    return values.at(name);
  };
  const auto number = [&](const char* name) { return value(name).number(name); };
  const auto whole = [&](const char* name) {
    const double found = number(name);
    if (!(found >= 1 && found <= kGreatestWhole && found == std::nearbyint(found))) {
      throw std::runtime_error(std::string(name) + " must be a positive whole number");
    }
    return static_cast<std::int64_t>(found);
  };
  const auto string = [&](const char* name) { return value(name).string(name); };
  const std::string network = absent("network") ? "efficientnet_b0" : string("network");
  if (network != "efficientnet_b0") {
    throw std::runtime_error("its network must be efficientnet_b0 for C++ programs, got " + network);
  }
  if (!absent("peak_normalize") && value("peak_normalize").boolean("peak_normalize")) {
    throw std::runtime_error("its peak_normalize must be false for C++ programs, got true");
  }
  const double rate_hz = number("sample_rate_hz");
  const double filter_rate_hz = absent("filter_rate_hz") ? rate_hz : number("filter_rate_hz");
  Config config{whole("sample_rate_hz"),
                whole("n_fft"),
                whole("hop_length"),
                whole("n_mels"),
                whole("embedding_dim"),
                filter_rate_hz,
                number("fmin_hz"),
                absent("fmax_hz") ? filter_rate_hz / 2 : number("fmax_hz"),
                number("log_offset"),
                number("window_seconds"),
                string("mel_scale"),
                string("mel_norm"),
                absent("normalization") ? "standardize" : string("normalization")};
  if (!(config.window_seconds >= kMinimumClipSeconds && config.window_seconds <= kLongestWindowSeconds)) {
    throw std::runtime_error("window_seconds must be at least 0.1 and finite");
  }
  if (config.normalization != "standardize" && config.normalization != "clip_maximum") {
    throw std::runtime_error("its normalization must be standardize or clip_maximum for C++ programs, got " +
                             config.normalization);
  }
  return config;
}

Config read_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("load_model: " + path + " cannot be opened");
  const std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  try {
    const JsonValue description = parse_json(content);
    const auto& members = description.object("it");
    if (!members.contains("config")) throw std::runtime_error("it lacks config");
    return config_of(members.at("config").object("config"));
  } catch (const std::runtime_error& error) {
    throw std::runtime_error("load_model: " + path + " cannot be read: " + error.what());
  }
}

void fill(EfficientNetB0& network, const std::map<std::string, at::Tensor>& tensors, const std::string& path) {
  const auto fail = [&](const std::string& fault) {
    throw std::runtime_error("load_model: " + path + " does not fit the encoder: " + fault);
  };
  const std::string prefix = "network.";
  std::size_t taken = 0;
  const auto take = [&](const std::string& name, at::Tensor own) {
    const auto found = tensors.find(prefix + name);
    if (found == tensors.end()) fail("missing " + prefix + name);
    if (found->second.sizes() != own.sizes() || found->second.scalar_type() != own.scalar_type()) {
      fail(prefix + name + " has another shape or dtype");
    }
    own.copy_(found->second);
    ++taken;
  };
  const at::NoGradGuard no_grad;
  for (const auto& parameter : network->named_parameters()) take(parameter.key(), parameter.value());
  for (const auto& buffer : network->named_buffers()) take(buffer.key(), buffer.value());
  if (taken != tensors.size()) fail(std::to_string(tensors.size() - taken) + " unexpected tensors");
}

at::Tensor log_mel(const at::Tensor& waveforms, const Config& config) {
  using Text = std::string_view;
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("singerprint::log_mel", "")
          .typed<at::Tensor(const at::Tensor&, double, std::int64_t, std::int64_t, std::int64_t, double, double, Text,
                            Text, double, Text, std::int64_t, bool, bool, Text, std::int64_t, Text, double)>();
  return op.call(waveforms, config.filter_rate_hz, config.n_fft, config.hop_length, config.n_mels, config.fmin_hz,
                 config.fmax_hz, config.mel_scale, config.mel_norm, config.log_offset, "hann", config.n_fft,
                 /*periodic=*/true, /*centred=*/true, "reflect", /*power=*/2, "ln", /*log_floor=*/0.0);
}

at::Tensor resample(const at::Tensor& waveforms, std::int64_t from_hz, std::int64_t to_hz) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("singerprint::resample", "")
                             .typed<at::Tensor(const at::Tensor&, std::int64_t, std::int64_t)>();
  return op.call(waveforms, from_hz, to_hz);
}

// (batch, mels, frames) to what the network sees.
at::Tensor images_of(const at::Tensor& spectrograms, const Config& config) {
  if (config.normalization == "standardize") {
    return at::layer_norm(spectrograms, spectrograms.sizes().slice(1), {}, {}, kVarianceEps).unsqueeze(1);
  }
  const at::Tensor images = spectrograms / spectrograms.amax({1, 2}, /*keepdim=*/true);
  std::vector<at::Tensor> channels;
  for (const auto& [mean, deviation] : kImageNet) channels.push_back((images - mean) / deviation);
  return at::stack(channels, 1);
}

}  // namespace

struct SingerEncoder::State {
  Config config;
  mutable EfficientNetB0 network;  // forward() of a module is not const; in eval mode it changes nothing
};

SingerEncoder::SingerEncoder(const std::string& folder) {
  const Config config = read_config(folder + "/encoder.json");
  EfficientNetB0 network(config.channels(), config.embedding_dim);
  const std::string weights = folder + "/encoder.safetensors";
  fill(network, read_safetensors(weights), weights);
  network->eval();
  state_ = std::make_shared<const State>(State{config, network});
}

std::int64_t SingerEncoder::dim() const { return state_->config.embedding_dim; }
std::int64_t SingerEncoder::sample_rate_hz() const { return state_->config.sample_rate_hz; }

at::Tensor SingerEncoder::embed_batch(const at::Tensor& waveforms) const {
  const Config& config = state_->config;
  check_waveforms("embed_batch", waveforms);
  const std::int64_t minimum = config.samples_of(kMinimumClipSeconds);
  TORCH_CHECK_VALUE(waveforms.size(0) > 0, "embed_batch: waveforms must hold at least one clip, got ",
                    waveforms.sizes());
  TORCH_CHECK_VALUE(waveforms.size(1) >= minimum, "embed_batch: waveforms must hold at least ", minimum,
                    " samples, got ", waveforms.sizes());
  const at::NoGradGuard no_grad;
  return state_->network->forward(images_of(log_mel(waveforms, config), config));
}

at::Tensor SingerEncoder::embed(const at::Tensor& waveform, std::int64_t waveform_rate_hz) const {
  const Config& config = state_->config;
  TORCH_CHECK_VALUE(waveform.dim() == 1, "embed: waveform must have shape (samples), got ", waveform.sizes());
  check_dtype("embed", "waveform", waveform, at::kFloat);
  at::Tensor clip = waveform.unsqueeze(0);
  if (waveform_rate_hz != config.sample_rate_hz) clip = resample(clip, waveform_rate_hz, config.sample_rate_hz);
  const std::int64_t samples = clip.size(1), window = config.samples_of(config.window_seconds);
  const std::int64_t count = parts_of(samples, window);
  if (count <= 1) return embed_batch(clip)[0];
  std::vector<at::Tensor> windows, embeddings;
  for (std::int64_t index = 0; index < count; ++index) {
    // As models/windows.py rounds.
    const double start = static_cast<double>(index * (samples - window)) / static_cast<double>(count - 1);
    windows.push_back(clip[0].narrow(0, static_cast<std::int64_t>(std::nearbyint(start)), window));
    if (static_cast<std::int64_t>(windows.size()) == kWindowsPerBatch || index + 1 == count) {
      embeddings.push_back(embed_batch(at::stack(windows)));
      windows.clear();
    }
  }
  return at::cat(embeddings).mean(0);
}

}  // namespace singerprint
