#include "losses/vicreg_terms.h"

#include <algorithm>

#include "core/parts.h"
#include "core/precompiled.h"

namespace singerprint {
namespace {

// The product is symmetric: panels of rows are made from the diagonal on, 9/16 of it with eight of them. Smaller ones
// would leave a matrix product too little to do.
constexpr std::int64_t kPanels = 8;
constexpr std::int64_t kSmallestPanel = 64;

bool by_rows(const CentredColumns& columns) { return columns.centred.size(0) < columns.centred.size(1); }

double rows_less_one(const CentredColumns& columns) { return static_cast<double>(columns.centred.size(0) - 1); }

double dim_of(const CentredColumns& columns) { return static_cast<double>(columns.centred.size(1)); }

}  // namespace

CentredColumns centred_columns(const at::Tensor& embeddings) {
  const at::Tensor centred = embeddings.to(at::kDouble, false, /*copy=*/true);
  centred.sub_(centred.mean(0));
  return {centred, centred.square().sum(0).div_(static_cast<double>(embeddings.size(0) - 1))};
}

void write_product(const CentredColumns& columns, const at::Tensor& product) {
  const at::Tensor vectors = by_rows(columns) ? columns.centred : columns.centred.t();
  const std::int64_t size = vectors.size(0);
  const std::int64_t panel = std::max(kSmallestPanel, parts_of(size, kPanels));
  for (std::int64_t begin = 0; begin < size; begin += panel) {
    const std::int64_t end = std::min(begin + panel, size);
    const at::Tensor panel_rows = product.slice(0, begin, end);
    panel_rows.slice(1, begin).addmm_(vectors.slice(0, begin, end), vectors.slice(0, begin).t(), 0.0,
                                      1.0 / rows_less_one(columns));
    product.slice(0, end).slice(1, begin, end).copy_(panel_rows.slice(1, end).t());
  }
  if (!by_rows(columns)) product.diagonal().zero_();
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
