// hann_window: the periodic Hann window.
//   w[n] = 0.5 - 0.5 cos(2 pi n / size),  0 <= n < size
// Periodic (one sample more would be zero again), as torch.hann_window and scipy.signal.get_window give it.
#pragma once
#include <cstdint>
#include <vector>

namespace singerprint {

// size >= 1.
std::vector<double> hann_window(std::int64_t size);

}  // namespace singerprint
