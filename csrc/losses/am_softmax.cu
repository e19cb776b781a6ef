#include "losses/cross_contrastive.cuh"
#include "losses/nt_xent.h"

namespace singerprint {

template const char* launch_cross_anchors<NtXent>(const float*, const float*, const CrossProblem&, double,
                                                  const double*, double*, double*, double*, void*);
template const char* launch_cross_anchors<NtXent>(const double*, const double*, const CrossProblem&, double,
                                                  const double*, double*, double*, double*, void*);

}  // namespace singerprint
