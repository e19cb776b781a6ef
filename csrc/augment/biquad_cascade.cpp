#include "augment/biquad_cascade.h"

#include <algorithm>
#include <vector>

#include "core/check.h"
#include "core/cuda.h"
#include "core/parts.h"
#include "core/precompiled.h"

namespace singerprint {
namespace {

at::Tensor biquad_cascade_meta(const at::Tensor& waveforms, const at::Tensor& coefficients) {
  check_waveforms("biquad_cascade", waveforms);
  TORCH_CHECK_VALUE(coefficients.dim() == 3 && coefficients.sym_size(0) == waveforms.sym_size(0) &&
                        coefficients.sym_size(2) == kBiquadCoefficients,
                    "biquad_cascade: coefficients must have shape (batch, sections, 5) with batch = ",
                    waveforms.sym_size(0), ", got ", coefficients.sym_sizes());
  TORCH_CHECK_VALUE(coefficients.sym_size(1) <= kMaxBiquadSections, "biquad_cascade: coefficients must have at most ",
                    kMaxBiquadSections, " sections, got ", coefficients.sym_size(1));
  check_dtype("biquad_cascade", "coefficients", coefficients, at::kDouble);
  check_same_device("biquad_cascade", "coefficients", coefficients, waveforms);
  return at::empty_symint(waveforms.sym_sizes(), waveforms.options());
}

// (batch, sections), each coefficient looked at.
std::vector<BiquadPair<float>> checked_sections(const at::Tensor& coefficients) {
  const double* const first = coefficients.const_data_ptr<double>();
  const std::int64_t sections = coefficients.size(1), all = coefficients.size(0) * sections;
  std::vector<BiquadPair<float>> result;
  result.reserve(static_cast<std::size_t>(all));
  for (std::int64_t i = 0; i < all; ++i) {
    const double* const values = first + i * kBiquadCoefficients;
    for (std::int64_t j = 0; j < kBiquadCoefficients; ++j) {
      TORCH_CHECK_VALUE(std::isfinite(values[j]), "biquad_cascade: coefficients must be finite, got ", values[j],
                        " in section ", i % sections, " of clip ", i / sections);
    }
    TORCH_CHECK_VALUE(biquad_is_stable(values[3], values[4]),
                      "biquad_cascade: coefficients must be stable (|a2| < 1 and |a1| < 1 + a2), got a1 = ", values[3],
                      " and a2 = ", values[4], " in section ", i % sections, " of clip ", i / sections);
    result.push_back(biquad_pair(biquad_section(values)));
  }
  return result;
}

bool is_identity(const double* coefficients, std::int64_t sections) {
  for (std::int64_t s = 0; s < sections; ++s) {
    if (!biquad_is_identity(coefficients + s * kBiquadCoefficients)) return false;
  }
  return true;
}

// Whether sections in lanes are faster than clips in lanes. Costs of a sample on the busiest thread, as measured with
// AVX-512: half of the registers hold two clips, and one clip waits for itself.
bool better_skewed(std::int64_t clips, std::int64_t sections, std::int64_t lanes, std::int64_t threads) {
  const std::int64_t per_clip = 2 * sections <= lanes ? 4 : 7;
  const std::int64_t skewed = parts_of(sections, lanes) * (per_clip * parts_of(clips, threads) + 2);
  const std::int64_t together = parts_of(parts_of(clips, lanes), threads) * (8 * sections + 12);
  return skewed < together;
}

at::Tensor biquad_cascade_cpu(const at::Tensor& waveforms, const at::Tensor& coefficients) {
  at::Tensor result = biquad_cascade_meta(waveforms, coefficients);
  const at::Tensor source = waveforms.contiguous();
  const at::Tensor numbers = coefficients.contiguous();
  const std::vector<BiquadPair<float>> sections = checked_sections(numbers);
  const std::int64_t batch = waveforms.size(0), samples = waveforms.size(1), count = coefficients.size(1);
  if (count == 0 || result.numel() == 0) return result.copy_(source);
  const std::int64_t lanes = SINGERPRINT_LANES(biquad_lane_count)();
  const std::int64_t threads = at::get_num_threads();
  const bool skews = better_skewed(batch, count, lanes, threads);
  constexpr std::int64_t kSkewedClips = 4, kNarrowSections = 8;  // what fills wide registers, and a narrow one
  const auto filter_of = [&](std::int64_t clips) {
    if (!skews) return SINGERPRINT_LANES(biquad_cascade_lanes);
    const bool is_narrow = clips == 1 && count <= kNarrowSections;
    return is_narrow ? SINGERPRINT_NARROW_LANES(biquad_cascade_skewed_lanes)
                     : SINGERPRINT_LANES(biquad_cascade_skewed_lanes);
  };
  const std::int64_t at_once = skews ? std::min(kSkewedClips, parts_of(batch, threads)) : lanes;
  const float* const from = source.const_data_ptr<float>();
  float* const to = result.mutable_data_ptr<float>();
  at::parallel_for(0, parts_of(batch, at_once), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin * at_once; b < std::min(end * at_once, batch); b += at_once) {
      const std::int64_t clips = std::min(at_once, batch - b);
      filter_of(clips)(sections.data() + b * count, count, clips, from + b * samples, samples, to + b * samples);
      for (std::int64_t clip = b; clip < b + clips; ++clip) {  // sections would lose infinities and subnormal numbers
        if (!is_identity(numbers.const_data_ptr<double>() + clip * count * kBiquadCoefficients, count)) continue;
        std::copy_n(from + clip * samples, samples, to + clip * samples);
      }
    }
  });
  return result;
}

[[maybe_unused]] at::Tensor biquad_cascade_cuda(const at::Tensor& waveforms, const at::Tensor& coefficients) {
  at::Tensor result = biquad_cascade_meta(waveforms, coefficients);
  const c10::DeviceGuard guard(waveforms.device());
  check_launch("biquad_cascade", launch_biquad_cascade(waveforms.contiguous().const_data_ptr<float>(),
                                                       coefficients.contiguous().const_data_ptr<double>(),
                                                       waveforms.size(0), coefficients.size(1), waveforms.size(1),
                                                       result.mutable_data_ptr<float>(), current_stream(waveforms)));
  return result;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("biquad_cascade(Tensor waveforms, Tensor coefficients) -> Tensor");
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) { library.impl("biquad_cascade", &biquad_cascade_meta); }
TORCH_LIBRARY_IMPL(singerprint, CPU, library) { library.impl("biquad_cascade", &biquad_cascade_cpu); }
TORCH_LIBRARY_IMPL(singerprint, Autograd, library) {
  library.impl("biquad_cascade", torch::autograd::autogradNotImplementedFallback());
}
SINGERPRINT_REGISTER_CUDA(biquad_cascade)

}  // namespace singerprint
