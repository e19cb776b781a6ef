#include "frontend/log_mel.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <string_view>
#include <thread>
#include <vector>

#include "dsp/mel_filter_bank.h"
#include "dsp/window.h"
#include "frontend/log_mel_frame.h"

namespace singerprint {
namespace {

at::Tensor log_mel(const at::Tensor& waveforms, std::int64_t n_fft, std::int64_t hop_length, std::int64_t n_mels,
                   double log_offset) {
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("singerprint::log_mel", "")
          .typed<at::Tensor(const at::Tensor&, double, std::int64_t, std::int64_t, std::int64_t, double, double,
                            std::string_view, std::string_view, double, std::string_view, std::int64_t, bool, bool,
                            std::string_view, std::int64_t, std::string_view, double)>();
  return op.call(waveforms, 44100.0, n_fft, hop_length, n_mels, 0.0, 22050.0, "slaney", "slaney", log_offset, "hann",
                 n_fft, true, true, "reflect", 2, "ln", 0.0);
}

TEST(LogMel, HasAFrameForEveryHopBegun) {
  EXPECT_EQ(log_mel(at::zeros({2, 2048}), 2048, 512, 80, 1e-8).sizes(), (at::IntArrayRef{2, 80, 5}));
  EXPECT_EQ(log_mel(at::zeros({1, 2047}), 2048, 512, 80, 1e-8).sizes(), (at::IntArrayRef{1, 80, 4}));
  EXPECT_EQ(log_mel(at::zeros({0, 2047}), 2048, 512, 80, 1e-8).sizes(), (at::IntArrayRef{0, 80, 4}));
}

TEST(LogMel, LogarithmIsWithinOneUlpOverTheWholeRange) {
  // Silence gives log(log_offset): the offset walks through all exponents, subnormal numbers included.
  const at::Tensor silence = at::zeros({1, 20});
  for (int step = -1480; step < 1279; ++step) {
    const float offset = std::exp2(static_cast<float>(step) / 10.0f);
    const float level = log_mel(silence, 16, 32, 1, offset).item<float>();
    const double exact = std::log(static_cast<double>(offset));
    const float magnitude = std::fabs(static_cast<float>(exact));
    const double ulp = std::nextafter(magnitude, INFINITY) - magnitude;
    EXPECT_LE(std::fabs(level - exact), ulp) << offset;
  }
  EXPECT_EQ(log_mel(silence, 16, 32, 1, 0.0).item<float>(), -INFINITY);
  EXPECT_EQ(log_mel(silence, 16, 32, 1, 1.0).item<float>(), 0.0f);
}

TEST(LogMel, ReflectsAtBothEnds) {
  const std::int64_t expected[] = {3, 2, 1, 0, 1, 2, 3, 4, 3, 2, 1};
  for (std::int64_t n = -3; n <= 7; ++n) EXPECT_EQ(reflect_index(n, 5), expected[n + 3]);
}

TEST(LogMel, SeveralThreadsShareTheTablesWhileTheyAreForgotten) {
  // More configurations than are kept, so that threads make, use and forget tables at once.
  constexpr int kConfigurations = 70, kThreads = 4;
  const at::Tensor waveforms = at::randn({1, 2048});
  const auto level = [&](int i) { return log_mel(waveforms, 512 + 2 * i, 512, 8 + i % 3, 1e-8); };
  std::vector<at::Tensor> alone, together(kConfigurations * kThreads);
  for (int i = 0; i < kConfigurations; ++i) alone.push_back(level(i));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kConfigurations; ++i) together[t * kConfigurations + i] = level(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < kConfigurations * kThreads; ++i) EXPECT_TRUE(together[i].equal(alone[i % kConfigurations])) << i;
}

// What log_mel.cu runs, walked through by one host thread.
class LogMelKernel : public testing::TestWithParam<std::int64_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, LogMelKernel, testing::Values(16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192));

TEST_P(LogMelKernel, FitsIntoABlock) {
  const FrameBlock block = frame_block(static_cast<int>(GetParam()));
  EXPECT_GE(block.frames, 1);
  EXPECT_EQ(block.shared_bytes, block.frames * GetParam() * static_cast<std::int64_t>(sizeof(ComplexNumber)));
  EXPECT_LE(block.shared_bytes, block.frames == 1 ? 99 * 1024 : kUsualSharedBytes);  // 99 KiB: the least, sm_86
  EXPECT_LE(block.frames * block.threads, kMaximalThreads);
  EXPECT_EQ(block.threads % 32, 0);
}

TEST_P(LogMelKernel, EqualsTheCpu) {
  const std::int64_t n_fft = GetParam(), hop_length = n_fft / 4, samples = 3 * n_fft + 1;
  const auto n_mels = static_cast<std::int32_t>(n_fft >= 1024 ? 40 : 2);
  at::manual_seed(0);
  const at::Tensor waveforms = at::randn({1, samples});
  const at::Tensor expected = log_mel(waveforms, n_fft, hop_length, n_mels, 1e-8);

  std::vector<float> half_window, twiddles;
  for (const double weight : hann_window(n_fft)) half_window.push_back(static_cast<float>(0.5 * weight));
  for (std::int64_t k = 0; k < n_fft; ++k) {
    const double angle = -2.0 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n_fft);
    twiddles.push_back(static_cast<float>(std::cos(angle)));
    twiddles.push_back(static_cast<float>(std::sin(angle)));
  }
  const MelFilterBank bank =
      mel_filter_bank({44100.0, n_fft, n_mels, 0.0, 22050.0, MelScale::kSlaney, MelNorm::kSlaney});
  const std::vector<float> weights(bank.weights.begin(), bank.weights.end());
  const LogMelTables tables{static_cast<std::int32_t>(n_fft),
                            static_cast<std::int32_t>(n_fft / 2),
                            Padding::kReflect,
                            false,
                            half_window.data(),
                            twiddles.data(),
                            {n_mels, bank.first_bin.data(), bank.begin.data(), weights.data()},
                            {1.0f, 1e-8f, 0.0f}};
  std::vector<ComplexNumber> memory(static_cast<std::size_t>(n_fft));
  at::Tensor result = at::empty_like(expected);
  for (std::int64_t frame = 0; frame < expected.size(2); ++frame) {
    const float* const power = frame_power({0, 1}, waveforms.const_data_ptr<float>(), samples,
                                           frame * hop_length - n_fft / 2, tables, memory.data());
    for (int m = 0; m < n_mels; ++m) result[0][m][frame] = filter_level(power, tables, m);
  }
  // White noise: no filter lies far below the loudest bin, so the round-off stays near eps sqrt(log2 n) of each.
  EXPECT_LT((result - expected).abs().max().item<float>(), 1e-5f);
}

}  // namespace
}  // namespace singerprint
