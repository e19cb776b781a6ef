// variance: how far the columns' standard deviations stay below gamma (the second term of VICReg, for one view).
//   loss = 1 / dim sum_j max(0, gamma - sqrt(v[j] + eps)),   v[j] the unbiased variance of column j
//   d loss / d embeddings[n, j] = -c[n, j] / (dim * (batch - 1) * sqrt(v[j] + eps))   where sqrt(v[j] + eps) < gamma
#pragma once
#include "losses/vicreg_terms.h"
