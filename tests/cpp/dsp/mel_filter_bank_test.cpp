#include "dsp/mel_filter_bank.h"

#include <gtest/gtest.h>

#include <vector>

namespace singerprint {
namespace {

MelFilterOptions options(std::int64_t n_fft, std::int64_t n_mels) {
  return {44100.0, n_fft, n_mels, 0.0, 22050.0, MelScale::kSlaney, MelNorm::kSlaney};
}

// The dense matrix (mels, bins), as double.
std::vector<std::vector<double>> dense(const MelFilterBank& bank, std::int64_t n_fft) {
  std::vector<std::vector<double>> matrix;
  for (std::size_t m = 0; m < bank.first_bin.size(); ++m) {
    std::vector<double> row(static_cast<std::size_t>(n_fft / 2 + 1));
    for (std::int32_t i = bank.begin[m]; i < bank.begin[m + 1]; ++i) {
      row.at(static_cast<std::size_t>(bank.first_bin[m] + i - bank.begin[m])) =
          bank.weights[static_cast<std::size_t>(i)];
    }
    matrix.push_back(row);
  }
  return matrix;
}

// librosa 0.11.0: librosa.filters.mel(sr=16000, n_fft=32, n_mels=3, fmin=200, fmax=7000, htk=..., norm=...), row 1,
// whose weights begin at bin 2.
struct Literal {
  MelScale scale;
  MelNorm norm;
  std::vector<double> weights;
};

TEST(MelFilterBank, EqualsLibrosa) {
  const Literal literals[] = {
      {MelScale::kSlaney,
       MelNorm::kSlaney,
       {0.000110896584, 0.000543152955, 0.000652517821, 0.00043522199, 0.000217926158, 6.3032699e-07}},
      {MelScale::kHtk,
       MelNorm::kSlaney,
       {9.92591782e-05, 0.0004079656, 0.000650618343, 0.000470115681, 0.000289613019, 0.000109110358}},
      {MelScale::kSlaney,
       MelNorm::kNone,
       {0.145813859, 0.714171938, 0.857971798, 0.572257463, 0.286543129, 0.000828793886}},
      {MelScale::kHtk, MelNorm::kNone, {0.1470528, 0.604402383, 0.963893222, 0.696477933, 0.429062644, 0.161647355}}};
  for (const Literal& literal : literals) {
    const MelFilterBank bank = mel_filter_bank({16000.0, 32, 3, 200.0, 7000.0, literal.scale, literal.norm});
    ASSERT_EQ(bank.first_bin[1], 2);
    ASSERT_EQ(bank.begin[2] - bank.begin[1], static_cast<std::int32_t>(literal.weights.size()));
    for (std::size_t i = 0; i < literal.weights.size(); ++i) {
      const double weight = bank.weights[static_cast<std::size_t>(bank.begin[1]) + i];
      EXPECT_NEAR(weight, literal.weights[i], 7e-8 * literal.weights[i]);  // half an ulp of float32 + 9 digits
    }
  }
}

TEST(MelFilterBank, KeepsOnlyWeightsAboveZero) {
  const MelFilterBank bank = mel_filter_bank(options(2048, 128));
  for (const double weight : bank.weights) EXPECT_GT(weight, 0.0);
  EXPECT_EQ(bank.begin.back(), static_cast<std::int32_t>(bank.weights.size()));
}

TEST(MelFilterBank, WithoutNormNeighboursSumToOne) {
  MelFilterOptions plain = options(2048, 40);
  plain.norm = MelNorm::kNone;
  const auto matrix = dense(mel_filter_bank(plain), plain.n_fft);
  const double first_centre = mel_to_hz(hz_to_mel(22050.0, plain.scale) / 41.0, plain.scale);
  const double last_centre = mel_to_hz(hz_to_mel(22050.0, plain.scale) * 40.0 / 41.0, plain.scale);
  for (std::size_t k = 0; k <= 1024; ++k) {
    const double hz = static_cast<double>(k) * 44100.0 / 2048.0;
    if (hz < first_centre || hz > last_centre) continue;
    double sum = 0.0;
    for (const auto& row : matrix) sum += row[k];
    EXPECT_NEAR(sum, 1.0, 1.2e-7);  // two weights, each rounded to float32
  }
}

TEST(MelFilterBank, SlaneyFiltersHaveTheAreaOfOneHertz) {
  const auto matrix = dense(mel_filter_bank(options(8192, 20)), 8192);
  for (const auto& row : matrix) {
    double area = 0.0;
    for (const double weight : row) area += weight * 44100.0 / 8192.0;
    EXPECT_NEAR(area, 1.0, 0.01);  // the trapezoidal rule over at least 30 bins misses the three corners
  }
}

TEST(MelFilterBank, FiltersBetweenTwoBinsAreNamed) {
  EXPECT_TRUE(empty_filters(mel_filter_bank(options(2048, 80))).empty());
  const MelFilterBank bank = mel_filter_bank(options(256, 80));
  const std::vector<std::int64_t> empty = empty_filters(bank);
  const auto matrix = dense(bank, 256);
  std::vector<std::int64_t> silent;
  for (std::size_t m = 0; m < matrix.size(); ++m) {
    double sum = 0.0;
    for (const double weight : matrix[m]) sum += weight;
    if (sum == 0.0) silent.push_back(static_cast<std::int64_t>(m));
  }
  EXPECT_FALSE(empty.empty());
  EXPECT_EQ(empty, silent);
}

}  // namespace
}  // namespace singerprint
