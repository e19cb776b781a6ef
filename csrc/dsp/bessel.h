// bessel_i0: the modified Bessel function of order 0, of which Kaiser-Bessel windows are made.
//   I0(x) = sum_k ((x / 2)^k / k!)^2
#pragma once

namespace singerprint {

inline double bessel_i0(double x) {
  double term = 1.0, sum = 1.0;
  for (int k = 1; term > 1e-18 * sum; ++k) {
    term *= (0.5 * x / k) * (0.5 * x / k);
    sum += term;
  }
  return sum;
}

}  // namespace singerprint
