// embed_wav MODEL FILE.wav: prints who is singing, as the numbers of an embedding, one a line.
// MODEL is a folder with encoder.safetensors and encoder.json, such as `singerprint train` writes.
#include <singerprint/models/singer_encoder.h>

#include <ATen/ops/from_blob.h>

#include <cstdio>
#include <exception>

#include "wav_file.h"

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: embed_wav MODEL FILE.wav\n");
    return 2;
  }
  try {
    const singerprint::SingerEncoder encoder(arguments[1]);
    WavFile file = read_wav(arguments[2]);
    const auto samples = static_cast<std::int64_t>(file.samples.size());
    const at::Tensor waveform = at::from_blob(file.samples.data(), {samples}, at::TensorOptions().dtype(at::kFloat));
    const at::Tensor embedding = encoder.embed(waveform, file.sample_rate_hz).contiguous();
    const float* const numbers = embedding.const_data_ptr<float>();
    for (std::int64_t i = 0; i < encoder.dim(); ++i) std::printf("%.9g\n", numbers[i]);
    return 0;
  } catch (const c10::Error& error) {
    std::fprintf(stderr, "embed_wav: %s\n", error.what_without_backtrace());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "embed_wav: %s\n", error.what());
  }
  return 2;
}
