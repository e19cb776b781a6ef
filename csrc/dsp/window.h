// Windows of a frame: raised cosines.
//   w[n] = a - (1 - a) cos(2 pi n / period),  0 <= n < length,  a = 1/2 (Hann) or 0.54 (Hamming)
// period = length (periodic: one sample more would repeat the first), as torch.hann_window and scipy.signal.get_window
// give it, or length - 1 (symmetric).
#pragma once
#include <compare>
#include <cstdint>
#include <vector>

namespace singerprint {

enum class WindowShape { kHann, kHamming };

struct WindowOptions {
  WindowShape shape;
  bool periodic;
  std::int64_t length, n_fft;  // 1 <= length <= n_fft
  auto operator<=>(const WindowOptions&) const = default;
};

// (n_fft): the window in the middle, zeros around it; where they cannot be equal, the zeros after it are one more.
std::vector<double> frame_window(const WindowOptions& options);

// The periodic Hann window; size >= 1.
std::vector<double> hann_window(std::int64_t size);

}  // namespace singerprint
