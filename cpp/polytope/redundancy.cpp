#include "polytope/redundancy.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/dispatch.hpp"
#include "base/parallel.hpp"
#include "polytope/dimension.hpp"
#include "polytope/lp.hpp"
#include "polytope/polar.hpp"

namespace facetry::polytope {
namespace {

// Multipliers of a contradiction below this are rounding of zero.
constexpr double kNoMultiplier = 1e-9;
// A polytope with more rows than this is worth threads of its own.
constexpr std::size_t kManyRows = 128;

// Which equalities do without the others: row i goes when a_i . x cannot rise where the rest does not.
void keep_equalities(const RowTable& rows, std::vector<std::size_t> equalities, std::vector<bool>& kept) {
  const std::size_t dim = rows.dim();
  std::vector<double> row(dim);
  for (std::size_t at = equalities.size(); at-- > 0;) {  // backwards, so that the first of equal rows stays
    RowTable others(dim, equalities.size());
    for (std::size_t j = 0; j < equalities.size(); ++j) {
      if (j == at) continue;
      rows.copy_row(equalities[j], row.data());
      others.add(row.data(), 0, 1);
    }
    rows.copy_row(equalities[at], row.data());
    Simplex simplex(others, kFeasibility);
    if (simplex.maximize(row.data()) == Status::kUnbounded)
      kept[equalities[at]] = true;
    else
      equalities.erase(equalities.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

// The rows that are no equalities, seen from the interior point within the affine hull.
PolarRows polar_rows(const RowTable& rows, const Interior& interior, double tolerance) {
  const auto free = static_cast<std::size_t>(interior.dimension);
  const std::size_t dim = rows.dim();
  PolarRows polar(free, rows.count());
  std::vector<double> point(free);
  for (std::size_t i = 0; i < rows.count(); ++i) {
    if (interior.equality[i]) continue;
    const double slack = rows.slack(i, interior.point.data());
    double square = 0;
    for (std::size_t s = 0; s < free; ++s) {
      double sum = 0;
      for (std::size_t k = 0; k < dim; ++k) sum += rows.at(i, k) * interior.span[s * dim + k];
      point[s] = sum / slack;
      square += sum * sum;
    }
    if (std::sqrt(square) <= kIndependent) continue;
    polar.add(i, point.data(), std::sqrt(square) / slack, tolerance * rows.size(i) / slack);
  }
  return polar;
}

void keep_rows(const UnitRows& unit, double tolerance, bool threaded, bool* kept) {
  if (unit.impossible >= 0) {
    kept[unit.impossible] = true;
    return;
  }
  const RowTable& rows = unit.table;
  const Interior interior = find_interior(unit, tolerance);
  std::vector<bool> found(rows.count(), false);
  if (interior.dimension < 0) {
    for (std::size_t i = 0; i < rows.count(); ++i)
      found[i] = interior.multipliers[i] * rows.size(i) > kNoMultiplier;
  } else {
    std::vector<std::size_t> equalities;
    for (std::size_t i = 0; i < rows.count(); ++i)
      if (interior.equality[i]) equalities.push_back(i);
    keep_equalities(rows, equalities, found);
    if (interior.dimension > 0) {
      const PolarRows polar = polar_rows(rows, interior, tolerance);
      for (const std::size_t facet : facets(polar, threaded)) found[facet] = true;
    }
  }
  for (std::size_t i = 0; i < rows.count(); ++i) kept[unit.origin[i]] = found[i];
}

}  // namespace

void minimal_rows(const Batch& batch, bool* kept) {
  std::fill_n(kept, batch.total_rows(), false);
  const auto one = [&](std::size_t i, bool threaded) {
    keep_rows(UnitRows(batch, i), batch.tolerance, threaded, kept + (batch.begin(i) - batch.begin(0)));
  };
  if (batch.total_rows() > kManyRows * batch.count && batch.count < 2 * num_threads()) {
    for (std::size_t i = 0; i < batch.count; ++i) one(i, true);
    return;
  }
  const double each = static_cast<double>(batch.dim) * 300;
  parallel_for(batch.count, each * static_cast<double>(batch.total_rows()),
               [&]() -> Work { return [&](std::size_t i) { one(i, false); }; });
}

}  // namespace facetry::polytope
