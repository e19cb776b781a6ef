// invariance: how far two views lie apart, the mean over all elements (the first term of VICReg).
//   loss = 1 / (batch * dim) sum_{b, k} (first[b, k] - second[b, k])^2
//   d loss / d first[b, k] = 2 / (batch * dim) * (first[b, k] - second[b, k]) = -d loss / d second[b, k]
#pragma once
#include "losses/vicreg_terms.h"
