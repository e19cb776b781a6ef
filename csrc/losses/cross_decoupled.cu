#include "losses/cross_contrastive.cuh"
#include "losses/decoupled.h"

namespace singerprint {

template const char* launch_cross_anchors<Decoupled>(const float*, const float*, const CrossProblem&, double,
                                                     const double*, double*, double*, double*, void*);
template const char* launch_cross_anchors<Decoupled>(const double*, const double*, const CrossProblem&, double,
                                                     const double*, double*, double*, double*, void*);

}  // namespace singerprint
