#include "polytope/boxes.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/parallel.hpp"
#include "polytope/dimension.hpp"
#include "polytope/lp.hpp"

namespace facetry::polytope {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void bound(const Batch& batch, std::size_t i, double* lo, double* hi) {
  const std::size_t dim = batch.dim;
  std::fill_n(lo, dim, kInfinity);
  std::fill_n(hi, dim, -kInfinity);
  UnitRows rows(batch, i);
  const Interior interior = find_interior(rows, batch.tolerance);
  if (interior.dimension < 0) return;
  if (interior.depth <= batch.tolerance)
    rows.table.relax(2 * batch.tolerance);  // flat, perhaps empty by rounding
  Simplex simplex(rows.table, kFeasibility);
  std::vector<double> axis(dim, 0.0);
  for (std::size_t k = 0; k < dim; ++k) {
    for (const double sign : {1.0, -1.0}) {
      axis[k] = sign;
      const bool bounded = simplex.maximize(axis.data()) == Status::kOptimal;
      (sign > 0 ? hi : lo)[k] = sign * (bounded ? simplex.objective_at_vertex() : kInfinity) + 0.0;  // no -0
    }
    axis[k] = 0;
  }
}

}  // namespace

void bounding_boxes(const Batch& batch, double* lo, double* hi) {
  const double nanoseconds = 2 * static_cast<double>(batch.dim) * lp_nanoseconds(batch);
  parallel_for(batch.count, nanoseconds, [&]() -> Work {
    return [&](std::size_t i) { bound(batch, i, lo + i * batch.dim, hi + i * batch.dim); };
  });
}

}  // namespace facetry::polytope
