#include "polytope/maximize.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.hpp"
#include "polytope/dimension.hpp"

namespace facetry::polytope {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct One {
  const UnitRows& rows;
  std::size_t dim;
  Status& status;
  double& value;
  double* point;
  double* ray;
  double* multipliers;
  std::int64_t* basis;

  void set_empty() {
    status = Status::kEmpty;
    value = -kInfinity;
    std::fill_n(point, dim, kNaN);
  }

  void add_multipliers(const Simplex& simplex) {
    for (std::size_t j = 0; j < dim; ++j) {
      const std::int32_t slot = simplex.basis()[j];
      basis[j] = slot;
      if (slot == Simplex::kAtInfinity) continue;
      const std::size_t given = rows.origin[static_cast<std::size_t>(slot)];
      basis[j] = static_cast<std::int64_t>(given);
      multipliers[given] = simplex.multipliers()[j] / rows.norms[given];
    }
  }
};

void solve(const double* objective, const std::int64_t* start, double tolerance, UnitRows& rows, One& out) {
  if (rows.impossible >= 0) {
    out.set_empty();
    out.multipliers[rows.impossible] = 1;
    return;
  }
  Simplex simplex(rows.table, kFeasibility);
  if (start) simplex.warm_start(start, out.dim);
  out.status = simplex.maximize(objective);
  if (out.status == Status::kEmpty && relax_if_flat(rows, tolerance)) {
    simplex.reset();
    out.status = simplex.maximize(objective);
  }
  out.add_multipliers(simplex);
  if (out.status == Status::kEmpty) {
    out.set_empty();
    const std::size_t last = rows.origin[static_cast<std::size_t>(simplex.contradiction())];
    out.multipliers[last] = 1 / rows.norms[last];
    return;
  }
  simplex.point(out.point);
  out.value = simplex.objective_at_vertex();
  if (out.status == Status::kOptimal) return;
  out.value = kInfinity;
  double largest = 0;
  for (std::size_t k = 0; k < out.dim; ++k) largest = std::max(largest, std::abs(simplex.far()[k]));
  for (std::size_t k = 0; k < out.dim; ++k) out.ray[k] = simplex.far()[k] / largest;
  std::fill_n(out.multipliers, rows.norms.size(), 0.0);
}

}  // namespace

void maximize(const Batch& batch, const double* objectives, const std::int64_t* start, const Optima& out) {
  const std::size_t dim = batch.dim;
  std::fill_n(out.multipliers, batch.total_rows(), 0.0);
  std::fill_n(out.ray, batch.count * dim, kNaN);
  std::fill_n(out.basis, batch.count * dim, std::int64_t{-1});
  parallel_for(batch.count, lp_nanoseconds(batch), [&]() -> Work {
    return [&](std::size_t i) {
      UnitRows rows(batch, i);
      One one{rows,
              dim,
              out.status[i],
              out.value[i],
              out.point + i * dim,
              out.ray + i * dim,
              out.multipliers + (batch.begin(i) - batch.begin(0)),
              out.basis + i * dim};
      solve(objectives + i * dim, start ? start + i * dim : nullptr, batch.tolerance, rows, one);
    };
  });
}

}  // namespace facetry::polytope
