#include "losses/decoupled.h"

#include "losses/contrastive.cuh"

namespace singerprint {

template const char* launch_contrastive_margins<Decoupled>(const float*, const PairwiseProblem&, const double*, double*,
                                                           double*, void*);
template const char* launch_contrastive_margins<Decoupled>(const double*, const PairwiseProblem&, const double*,
                                                           double*, double*, void*);
template const char* launch_contrastive_loss<Decoupled>(const double*, std::int64_t, float*, void*);
template const char* launch_contrastive_loss<Decoupled>(const double*, std::int64_t, double*, void*);
template const char* launch_contrastive_positives<Decoupled>(const float*, const float*, const double*,
                                                             const PairwiseProblem&, float*, void*);
template const char* launch_contrastive_positives<Decoupled>(const double*, const double*, const double*,
                                                             const PairwiseProblem&, double*, void*);

}  // namespace singerprint
