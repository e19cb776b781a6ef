// mel_filter_bank: triangular filters on the bins of a power spectrum, as lists of the weights that are not zero.
//   edge_hz[i] = mel_to_hz(mel(fmin) + i (mel(fmax) - mel(fmin)) / (mels + 1)),  0 <= i <= mels + 1
//   weight[m, k] = norm[m] max(0, min((f_k - left) / (centre - left), (right - f_k) / (right - centre))),
//   f_k = k sample_rate / n_fft,  left, centre, right = edge_hz[m .. m + 2]
//   norm[m] = 2 / (right - left) (Slaney: every filter has the area of 1 Hz), 1 / sum_k (area: on these bins), or 1
// Source: M. Slaney, Auditory Toolbox (1998); the definition of librosa.filters.mel.
#pragma once
#include <compare>
#include <cstdint>
#include <vector>

#include "dsp/mel_scale.h"

namespace singerprint {

enum class MelNorm { kSlaney, kArea, kNone };

struct MelFilterOptions {
  double sample_rate_hz;
  std::int64_t n_fft;
  std::int64_t n_mels;
  double fmin_hz;  // 0 <= fmin < fmax <= sample_rate / 2
  double fmax_hz;
  MelScale scale;
  MelNorm norm;
  auto operator<=>(const MelFilterOptions&) const = default;
};

// Filter m takes the bins first_bin[m] .. with weights[begin[m]] .. weights[begin[m + 1] - 1].
struct MelFilterBank {
  std::vector<std::int32_t> first_bin;  // (mels)
  std::vector<std::int32_t> begin;      // (mels + 1)
  std::vector<double> weights;
};

MelFilterBank mel_filter_bank(const MelFilterOptions& options);

// The filters so narrow that they lie between two bins: they would be silent whatever is sung.
std::vector<std::int64_t> empty_filters(const MelFilterBank& bank);

}  // namespace singerprint
