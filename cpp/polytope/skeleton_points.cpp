// Where the vertices of a skeleton are, and which rows hold there.
#include <algorithm>
#include <cmath>

#include "polytope/linear_algebra.hpp"
#include "polytope/skeleton.hpp"

namespace facetry::polytope {
namespace {

constexpr double kSharp = 16 * 0x1p-52;  // relative to the coordinates and the right-hand side
constexpr double kReach =
    1e3;  // times the tolerance: how far the rows of a vertex may meet from where it was put

constexpr double kSlackness = 10;  // times the tolerance: how far outside ties may put a vertex

}  // namespace

bool Skeleton::is_sharp(std::size_t v) const {
  for (const Index facet : facets_of(v)) {
    if (facet == infinity()) continue;
    double residual = -t_[v] * b_[facet];
    for (std::size_t k = 0; k < d_; ++k) residual += a_[facet * d_ + k] * x_[k * capacity_ + v];
    if (std::abs(residual) > kSharp * std::max(size_[v], std::abs(b_[facet]))) return false;
  }
  return true;
}

double Skeleton::refine(std::size_t v) {
  const bool far = at_infinity(v);
  const auto facets = facets_of(v);
  const bool has_infinity = std::find(facets.begin(), facets.end(), infinity()) != facets.end();
  if (far != has_infinity) return 0;
  for (std::size_t r = 0; r < d_; ++r) {
    double* line = solve_.data() + r * (d_ + 1);
    if (facets[r] == infinity())  // the direction's length along itself
      coordinates(v, line);
    else
      std::copy_n(a_.data() + facets[r] * d_, d_, line);
    line[d_] = facets[r] == infinity() ? 1 : far ? 0 : b_[facets[r]];
  }
  const double det = solve_square(solve_.data(), d_);
  double norm = 0, moved = 0;
  for (std::size_t k = 0; k < d_; ++k) {
    const double x = solve_[k * (d_ + 1) + d_];
    norm += x * x;
    moved = std::max(moved, std::abs(x - x_[k * capacity_ + v]));
  }
  // Rows that are parallel but for less than the tolerance meet anywhere.
  const double reach = kReach * tolerance_ * (far ? 1 : std::max(size_[v], scale_));
  if (det == 0 || !(moved <= reach)) return far ? 0 : std::abs(det);
  norm = far ? std::sqrt(norm) : 1;
  for (std::size_t k = 0; k < d_; ++k) x_[k * capacity_ + v] = solve_[k * (d_ + 1) + d_] / norm;
  return far ? 0 : std::abs(det);
}

bool Skeleton::is_consistent() {
  if (std::none_of(tied_.begin(), tied_.begin() + static_cast<std::ptrdiff_t>(n_),
                   [](auto tied) { return tied; }))
    return true;
  cut_tolerance_ = kSlackness * tolerance_;
  for (std::size_t row = 0; row < rows_; ++row)
    if (sides(row).outside > 0) return false;
  return true;
}

double Skeleton::slack(std::size_t row, const double* x, bool at_infinity) const {
  return (at_infinity ? 0 : b_[row]) - dot(a_.data() + row * d_, x, d_);
}

bool Skeleton::tie(std::size_t row, double slack, const double* x, bool at_infinity) const {
  const double size = at_infinity ? 1 : std::max({largest(x, d_, 1), std::abs(b_[row]), scale_});
  return std::abs(slack) <= tolerance_ * size;
}

}  // namespace facetry::polytope
