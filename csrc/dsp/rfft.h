// RfftPlan: the discrete Fourier transform of real numbers, any even size, in double.
//   X[k] = sum_n x[n] exp(-2 pi i k n / size),  0 <= k <= size / 2
//
// Sizes    even, >= 2; fastest with the prime factors 2, 3 and 5, quadratic in a large prime factor.
// Packing  size / 2 + 1 complex numbers; X[0] and X[size / 2] have the imaginary part 0.
// Scaling  none: sum |x|^2 = (sum over all size bins of |X|^2) / size.
// In place no: input and result must not overlap.
// Threads  forward() writes to the plan's own memory: one plan a thread. Copies are independent.
#pragma once
#include <complex>
#include <cstdint>
#include <memory>

namespace singerprint {

class RfftPlan {
 public:
  explicit RfftPlan(std::int64_t size);
  RfftPlan(const RfftPlan& other);
  RfftPlan& operator=(const RfftPlan&) = delete;
  ~RfftPlan();

  std::int64_t size() const { return size_; }
  // input: (size); result: (size / 2 + 1).
  void forward(const double* input, std::complex<double>* result);

 private:
  struct Kissfft;
  std::int64_t size_;
  std::unique_ptr<Kissfft> kissfft_;
};

}  // namespace singerprint
