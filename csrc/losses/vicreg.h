// vicreg: two views near each other, columns that vary and do not vary together
// (Bardes, Ponce, LeCun 2022, "VICReg", as facebookresearch/vicreg computes it).
//   loss = invariance_weight * invariance(first, second)
//        + variance_weight * (variance(first) + variance(second)) / 2
//        + covariance_weight * (covariance(first) + covariance(second))
// The variances are halved and the covariances are not: so does the released code, and not equation 6 of the paper.
#pragma once
#include "losses/vicreg_terms.h"

namespace singerprint {

struct VicregOptions {
  double invariance_weight;
  double variance_weight;
  double covariance_weight;
  double gamma;
  double eps;
};

}  // namespace singerprint
