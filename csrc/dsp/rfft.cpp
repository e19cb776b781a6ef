#include "dsp/rfft.h"

#include <kissfft.hh>

namespace singerprint {

struct RfftPlan::Kissfft {
  kissfft<double> half_size;
};

// kissfft transforms size / 2 complex numbers (even samples real, odd samples imaginary) and untangles them.
RfftPlan::RfftPlan(std::int64_t size)
    : size_(size), kissfft_(new Kissfft{kissfft<double>(static_cast<std::size_t>(size / 2), false)}) {}

RfftPlan::RfftPlan(const RfftPlan& other) : size_(other.size_), kissfft_(new Kissfft(*other.kissfft_)) {}

RfftPlan::~RfftPlan() = default;

void RfftPlan::forward(const double* input, std::complex<double>* result) {
  kissfft_->half_size.transform_real(input, result);
  const double nyquist = result[0].imag();  // kissfft packs it beside the zero frequency
  result[0] = result[0].real();
  result[size_ / 2] = nyquist;
}

}  // namespace singerprint
