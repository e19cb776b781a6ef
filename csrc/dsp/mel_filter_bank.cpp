#include "dsp/mel_filter_bank.h"

#include <algorithm>
#include <numeric>

namespace singerprint {
namespace {

std::vector<double> edges_hz(const MelFilterOptions& options) {
  const double low = hz_to_mel(options.fmin_hz, options.scale);
  const double high = hz_to_mel(options.fmax_hz, options.scale);
  std::vector<double> edges;
  for (std::int64_t i = 0; i < options.n_mels + 2; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(options.n_mels + 1);
    edges.push_back(mel_to_hz(low + share * (high - low), options.scale));
  }
  return edges;
}

using Weight = std::vector<double>::iterator;
void sum_to_one(Weight begin, Weight end) {
  const double sum = std::accumulate(begin, end, 0.0);
  std::for_each(begin, end, [sum](double& weight) { weight /= sum; });
}

}  // namespace

MelFilterBank mel_filter_bank(const MelFilterOptions& options) {
  const std::vector<double> edges = edges_hz(options);
  const double hz_per_bin = options.sample_rate_hz / static_cast<double>(options.n_fft);
  const std::int64_t last_bin = options.n_fft / 2;
  MelFilterBank bank;
  bank.begin.push_back(0);
  for (std::size_t m = 0; m + 2 < edges.size(); ++m) {
    const double left = edges[m], centre = edges[m + 1], right = edges[m + 2];
    const double norm = options.norm == MelNorm::kSlaney ? 2.0 / (right - left) : 1.0;
    // At or left of the filter's edge; what weighs nothing is left out below.
    std::int64_t bin = std::max<std::int64_t>(0, static_cast<std::int64_t>(left / hz_per_bin));
    bank.first_bin.push_back(static_cast<std::int32_t>(bin));
    bool empty = true;
    for (; bin <= last_bin; ++bin) {
      const double hz = static_cast<double>(bin) * hz_per_bin;
      const double weight = norm * std::min((hz - left) / (centre - left), (right - hz) / (right - centre));
      if (static_cast<float>(weight) > 0.0f) {
        if (empty) bank.first_bin.back() = static_cast<std::int32_t>(bin);
        empty = false;
        bank.weights.push_back(weight);
      } else if (hz >= centre) {
        break;
      }
    }
    if (options.norm == MelNorm::kArea) sum_to_one(bank.weights.begin() + bank.begin.back(), bank.weights.end());
    bank.begin.push_back(static_cast<std::int32_t>(bank.weights.size()));
  }
  return bank;
}

std::vector<std::int64_t> empty_filters(const MelFilterBank& bank) {
  std::vector<std::int64_t> empty;
  for (std::size_t m = 0; m < bank.first_bin.size(); ++m) {
    if (bank.begin[m] == bank.begin[m + 1]) empty.push_back(static_cast<std::int64_t>(m));
  }
  return empty;
}

}  // namespace singerprint
