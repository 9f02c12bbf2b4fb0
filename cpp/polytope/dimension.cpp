#include "polytope/dimension.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.hpp"
#include "polytope/lp.hpp"

namespace facetry::polytope {
namespace {

double dot(const double* a, const double* b, std::size_t n) {
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) sum += a[k] * b[k];
  return sum;
}

// Takes the span's part off v, twice against rounding; gives the length of what is left.
double take_off(const std::vector<double>& span, std::size_t dim, double* v) {
  for (int pass = 0; pass < 2; ++pass) {
    for (std::size_t s = 0; s < span.size(); s += dim) {
      const double part = dot(&span[s], v, dim);
      for (std::size_t k = 0; k < dim; ++k) v[k] -= part * span[s + k];
    }
  }
  return std::sqrt(dot(v, v, dim));
}

// Adds the unit vector along v's part outside the span, if there is one.
bool extend(std::vector<double>& span, std::size_t dim, std::vector<double> v) {
  const double rest = take_off(span, dim, v.data());
  if (rest <= kIndependent) return false;
  for (double& x : v) x /= rest;
  span.insert(span.end(), v.begin(), v.end());
  return true;
}

// Orthonormal directions at right angles to the given ones: the axes' parts outside, longest first.
std::vector<double> complement(std::vector<double> span, std::size_t dim) {
  const std::size_t given = span.size();
  std::vector<double> best(dim), axis(dim);
  while (span.size() < dim * dim) {
    double longest = 0;
    for (std::size_t k = 0; k < dim; ++k) {
      std::fill(axis.begin(), axis.end(), 0.0);
      axis[k] = 1;
      const double rest = take_off(span, dim, axis.data());
      if (rest > longest * (1 + 1e-9)) {
        longest = rest;
        best = axis;
      }
    }
    extend(span, dim, best);
  }
  span.erase(span.begin(), span.begin() + static_cast<std::ptrdiff_t>(given));
  return span;
}

// The search for a point with room in the affine space `origin + span`.
class Search {
 public:
  Search(const UnitRows& rows, double tolerance)
      : rows_(rows), table_(rows.table), tolerance_(tolerance), dim_(table_.dim()), origin_(dim_, 0.0) {
    span_ = complement({}, dim_);
    found_.equality.assign(table_.count(), false);
  }

  Interior run() {
    for (bool first = true;; first = false) {
      const double depth = deepest();
      if (first) found_.depth = depth;
      if (first && depth < -tolerance_) {
        found_.multipliers = multipliers_;
        return found_;
      }
      if (depth > tolerance_) break;
      fix_equalities();
    }
    found_.dimension = static_cast<std::ptrdiff_t>(span_.size() / dim_);
    found_.point = origin_;
    found_.span = span_;
    if (!equations_.empty()) mark_equalities();
    return found_;
  }

 private:
  // max depth such that (a . x + size * depth <= rhs) for x in the affine space, depth <= 1, in units of
  // length. Moves the origin to the point found.
  double deepest() {
    const std::size_t free = span_.size() / dim_;
    RowTable table(free + 1, table_.count() + 1);
    std::vector<std::size_t> origin_of;
    std::vector<double> row(free + 1);
    row[free] = 1;
    table.add(row.data(), 1, 1);
    for (std::size_t i = 0; i < table_.count(); ++i) {
      const double scale = rows_.length / table_.size(i);
      double square = 1;
      double along = 0;
      for (std::size_t s = 0; s < free; ++s) {
        double sum = 0;
        for (std::size_t k = 0; k < dim_; ++k) sum += table_.at(i, k) * span_[s * dim_ + k];
        along += sum * sum;
        row[s] = sum * scale;
        square += row[s] * row[s];
      }
      if (std::sqrt(along) <= kIndependent) continue;  // constant on the affine space
      table.add(row.data(), table_.slack(i, origin_.data()) / table_.size(i), 1, std::sqrt(square));
      origin_of.push_back(i);
    }
    std::fill(row.begin(), row.end(), 0.0);
    row[free] = 1;
    Simplex simplex(table, kFeasibility);
    simplex.maximize(row.data());
    simplex.point(row.data());
    for (std::size_t s = 0; s < free; ++s)
      for (std::size_t k = 0; k < dim_; ++k) origin_[k] += rows_.length * row[s] * span_[s * dim_ + k];
    multipliers_.assign(table_.count(), 0.0);
    for (std::size_t j = 0; j <= free; ++j) {
      if (simplex.basis()[j] <= 0) continue;  // at infinity, or depth <= 1
      const std::size_t i = origin_of[static_cast<std::size_t>(simplex.basis()[j]) - 1];
      multipliers_[i] = simplex.multipliers()[j] / table_.size(i);
    }
    return row[free];
  }

  // Rows with a multiplier hold with equality wherever depth is 0 (complementary slackness).
  void fix_equalities() {
    std::vector<double> normal(dim_);
    const std::size_t before = equations_.size();
    for (std::size_t i = 0; i < table_.count(); ++i) {
      if (multipliers_[i] * table_.size(i) <= kIndependent) continue;
      table_.copy_row(i, normal.data());
      if (!extend(equations_, dim_, normal)) continue;
      // Onto the row's hyperplane, along the direction that keeps the earlier ones.
      const double* direction = &equations_[equations_.size() - dim_];
      const double step = table_.slack(i, origin_.data()) / dot(normal.data(), direction, dim_);
      for (std::size_t k = 0; k < dim_; ++k) origin_[k] += step * direction[k];
    }
    if (equations_.size() == before) {  // rounding hid them all: the narrowest direction goes
      const std::vector<double> direction(span_.begin(), span_.begin() + static_cast<std::ptrdiff_t>(dim_));
      extend(equations_, dim_, direction);
    }
    span_ = complement(equations_, dim_);
  }

  void mark_equalities() {
    std::vector<double> normal(dim_);
    for (std::size_t i = 0; i < table_.count(); ++i) {
      table_.copy_row(i, normal.data());
      const bool constant = take_off(equations_, dim_, normal.data()) <= kIndependent;
      found_.equality[i] = constant && table_.slack(i, origin_.data()) <= 4 * tolerance_ * table_.size(i);
    }
  }

  const UnitRows& rows_;
  const RowTable& table_;
  double tolerance_;
  std::size_t dim_;
  std::vector<double> origin_, span_, equations_, multipliers_;
  Interior found_;
};

}  // namespace

Interior find_interior(const UnitRows& rows, double tolerance) {
  if (rows.impossible >= 0) {
    Interior none;
    none.depth = -std::numeric_limits<double>::infinity();
    none.equality.assign(rows.table.count(), false);
    none.multipliers.assign(rows.table.count(), 0.0);
    return none;
  }
  return Search(rows, tolerance).run();
}

bool relax_if_flat(UnitRows& rows, double tolerance) {
  const Interior interior = find_interior(rows, tolerance);
  if (interior.dimension < 0 || interior.depth > tolerance) return false;
  rows.table.relax(std::max(-interior.depth, 0.0) + 10 * kFeasibility);
  return true;
}

void find_interiors(const Batch& batch, const Interiors& out) {
  const std::size_t dim = batch.dim;
  std::fill_n(out.equality, batch.total_rows(), false);
  parallel_for(batch.count, lp_nanoseconds(batch), [&]() -> Work {
    return [&](std::size_t i) {
      const UnitRows rows(batch, i);
      const Interior interior = find_interior(rows, batch.tolerance);
      out.dimension[i] = interior.dimension;
      out.depth[i] = interior.depth;
      double* point = out.point + i * dim;
      std::fill_n(point, dim, std::numeric_limits<double>::quiet_NaN());
      std::copy(interior.point.begin(), interior.point.end(), point);
      bool* equality = out.equality + (batch.begin(i) - batch.begin(0));
      for (std::size_t row = 0; row < rows.origin.size(); ++row)
        equality[rows.origin[row]] = interior.equality[row];
    };
  });
}

std::vector<double> affine_hull(const Batch& batch, std::size_t i) {
  const std::size_t dim = batch.dim;
  const UnitRows rows(batch, i);
  const Interior interior = find_interior(rows, batch.tolerance);
  std::vector<double> equations;
  if (interior.dimension < 0) {
    equations.assign(dim + 1, 0.0);
    equations[dim] = 1;
    return equations;
  }
  const std::vector<double> normals = complement(interior.span, dim);
  for (std::size_t s = 0; s < normals.size(); s += dim) {
    equations.insert(equations.end(), &normals[s], &normals[s] + dim);
    equations.push_back(dot(&normals[s], interior.point.data(), dim));
  }
  return equations;
}

// Unbounded iff some direction leaves no row. The simplex method looks for one before all else.
void are_bounded(const Batch& batch, bool* out) {
  parallel_for(batch.count, lp_nanoseconds(batch), [&]() -> Work {
    return [&](std::size_t i) {
      const UnitRows rows(batch, i);
      out[i] = find_interior(rows, batch.tolerance).dimension < 0 || has_no_ray(rows.table, batch.tolerance);
    };
  });
}

}  // namespace facetry::polytope
