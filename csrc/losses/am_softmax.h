// am_softmax: additive-margin softmax (Wang et al. 2018, "Additive Margin Softmax for Face Verification", equation 6),
// the mean over the batch.
//   a, b = rows of embeddings and of weights, each divided by its length;  s[i, j] = <a[i], b[j]>;  y = singers[i]
//   positive[i] = scale * (s[i, y] - margin)
//   loss = 1 / batch sum_i ( log( exp(positive[i]) + sum_{j != y} exp(scale * s[i, j]) ) - positive[i] )
// losses/cross_contrastive.h with target = singers and the margin as handicap; with its margin m, log_sum_exp over the
// other singers minus positive, a summand is log(1 + exp(m)), as in losses/nt_xent.h.
#pragma once
#include "losses/cross_contrastive.h"
#include "losses/nt_xent.h"
