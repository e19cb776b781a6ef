// covariance: the squared covariances of different columns (the third term of VICReg, for one view).
//   loss = 1 / dim sum_{i != j} C[i, j]^2,   C = c^T c / (batch - 1),   c the embeddings less their columns' means
//   d loss / d embeddings = 4 / (dim * (batch - 1)) * c (C - diag(v))
//                         = 4 / (dim * (batch - 1)) * (G c - c diag(v)),   G = c c^T / (batch - 1)
// The smaller of C and G is made once and kept for the gradient: vicreg_terms.h.
#pragma once
#include "losses/vicreg_terms.h"
