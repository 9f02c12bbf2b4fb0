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

// False for an empty polytope.
bool bound(const RowTable& rows, double* lo, double* hi) {
  Simplex simplex(rows, kFeasibility);
  std::vector<double> axis(rows.dim(), 0.0);
  for (std::size_t k = 0; k < rows.dim(); ++k) {
    for (const double sign : {1.0, -1.0}) {
      axis[k] = sign;
      const Status status = simplex.maximize(axis.data());
      if (status == Status::kEmpty) return false;
      const double value = status == Status::kOptimal ? simplex.objective_at_vertex() : kInfinity;
      (sign > 0 ? hi : lo)[k] = sign * value + 0.0;  // no -0
    }
    axis[k] = 0;
  }
  return true;
}

}  // namespace

void bounding_boxes(const Batch& batch, double* lo, double* hi) {
  const double nanoseconds = 2 * static_cast<double>(batch.dim) * lp_nanoseconds(batch);
  parallel_for(batch.count, nanoseconds, [&]() -> Work {
    return [&](std::size_t i) {
      double *low = lo + i * batch.dim, *high = hi + i * batch.dim;
      UnitRows rows(batch, i);
      if (rows.impossible < 0) {
        if (bound(rows.table, low, high)) return;
        if (relax_if_flat(rows, batch.tolerance) && bound(rows.table, low, high)) return;
      }
      std::fill_n(low, batch.dim, kInfinity);
      std::fill_n(high, batch.dim, -kInfinity);
    };
  });
}

}  // namespace facetry::polytope
