#include "polytope/chebyshev.hpp"

#include <algorithm>
#include <limits>

#include "base/parallel.hpp"
#include "polytope/dimension.hpp"
#include "polytope/lp.hpp"

namespace facetry::polytope {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double largest_ball(const UnitRows& rows, double tolerance, double* centre) {
  const RowTable& unit = rows.table;
  const std::size_t dim = unit.dim();
  const RowTable table = unit.lifted(1);
  std::vector<double> row(dim + 1, 0.0);
  row[dim] = 1;
  Simplex simplex(table, kFeasibility);
  if (simplex.maximize(row.data()) == Status::kUnbounded) {
    const Interior interior = find_interior(rows, tolerance);
    std::copy(interior.point.begin(), interior.point.end(), centre);
    return kInfinity;
  }
  simplex.point(row.data());
  std::copy_n(row.data(), dim, centre);
  return row[dim];
}

}  // namespace

void chebyshev(const Batch& batch, double* centre, double* radius) {
  const std::size_t dim = batch.dim;
  parallel_for(batch.count, lp_nanoseconds(batch), [&]() -> Work {
    return [&](std::size_t i) {
      const UnitRows rows(batch, i);
      if (rows.impossible >= 0) {
        std::fill_n(centre + i * dim, dim, std::numeric_limits<double>::quiet_NaN());
        radius[i] = -kInfinity;
      } else {
        radius[i] = largest_ball(rows, batch.tolerance, centre + i * dim);
      }
    };
  });
}

}  // namespace facetry::polytope
