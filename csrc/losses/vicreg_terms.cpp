#include "losses/vicreg_terms.h"

#include <ATen/ops/mm.h>

#include "core/precompiled.h"

namespace singerprint {
namespace {

bool by_rows(const CentredColumns& columns) { return columns.centred.size(0) < columns.centred.size(1); }

double rows_less_one(const CentredColumns& columns) { return static_cast<double>(columns.centred.size(0) - 1); }

double dim_of(const CentredColumns& columns) { return static_cast<double>(columns.centred.size(1)); }

}  // namespace

CentredColumns centred_columns(const at::Tensor& embeddings) {
  const at::Tensor wide = embeddings.to(at::kDouble);
  const at::Tensor centred = wide.sub(wide.mean(0));
  return {centred, centred.square().sum(0).div_(static_cast<double>(embeddings.size(0) - 1))};
}

void write_product(const CentredColumns& columns, at::Tensor product) {
  const at::Tensor& c = columns.centred;
  if (by_rows(columns)) {
    at::mm_out(product, c, c.t());
  } else {
    at::mm_out(product, c.t(), c);
  }
  product.div_(rows_less_one(columns));
  if (!by_rows(columns)) product.fill_diagonal_(0.0);
}

at::Tensor invariance_term(const at::Tensor& first, const at::Tensor& second) {
  return first.to(at::kDouble).sub(second.to(at::kDouble)).square_().mean();
}

at::Tensor variance_term(const CentredColumns& columns, double gamma, double eps) {
  return columns.variances.add(eps).sqrt_().neg_().add_(gamma).relu_().mean();
}

at::Tensor covariance_term(const CentredColumns& columns, const at::Tensor& product) {
  at::Tensor sum = product.square().sum();
  if (by_rows(columns)) sum.sub_(columns.variances.square().sum()).relu_();  // a sum of squares, rounded below 0
  return sum.div_(dim_of(columns));
}

at::Tensor invariance_gradient(const at::Tensor& first, const at::Tensor& second) {
  return first.to(at::kDouble).sub(second.to(at::kDouble)).mul_(2.0 / static_cast<double>(first.numel()));
}

at::Tensor variance_slopes(const CentredColumns& columns, double gamma, double eps) {
  const at::Tensor deviations = columns.variances.add(eps).sqrt_();
  return deviations.lt(gamma).to(at::kDouble).div_(deviations).mul_(-1.0 / (dim_of(columns) * rows_less_one(columns)));
}

at::Tensor gradient_with_covariance(const CentredColumns& columns, const at::Tensor& slopes, const at::Tensor& product,
                                    double weight) {
  const at::Tensor& c = columns.centred;
  const double scale = 4.0 * weight / (dim_of(columns) * rows_less_one(columns));
  if (!by_rows(columns)) return c.mul(slopes).addmm_(c, product, 1.0, scale);
  return c.mul(slopes.sub(columns.variances, scale)).addmm_(product, c, 1.0, scale);
}

}  // namespace singerprint
