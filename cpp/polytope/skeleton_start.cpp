// How a skeleton begins: unit rows, the lines of the polytope, and the cone of d rows with independent
// normals.
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "base/aligned.hpp"
#include "kernels/vertices.hpp"
#include "polytope/linear_algebra.hpp"
#include "polytope/skeleton.hpp"

namespace facetry::polytope {

void Skeleton::normalise(const HalfSpaces& rows) {
  a_.assign(rows.a, rows.a + rows.count * d_);
  b_.assign(rows.b, rows.b + rows.count);
  value_.clear();
  impossible_ = false;
  for (std::size_t i = 0; i < rows.count; ++i) {
    double* a = a_.data() + i * d_;
    // In two steps: squares of the entries could overflow or vanish.
    const double top = largest(a, d_, 1);
    impossible_ = impossible_ || (top == 0 && b_[i] < 0);
    if (top == 0) continue;
    for (std::size_t k = 0; k < d_; ++k) a[k] /= top;
    const double norm = std::sqrt(dot(a, a, d_));
    for (std::size_t k = 0; k < d_; ++k) a[k] /= norm;
    b_[i] = b_[i] / top / norm;
    if (b_[i] != 0) value_.push_back(std::abs(b_[i]));
  }
  const auto middle = value_.begin() + static_cast<std::ptrdiff_t>((value_.size() - !value_.empty()) / 2);
  std::nth_element(value_.begin(), middle, value_.end());
  scale_ = value_.empty() ? 1 : *middle;
  top_ = value_.empty() ? 1 : *std::max_element(value_.begin(), value_.end());
}

// Takes rows by pivoted Gram-Schmidt; directions that no row of them sees are lines.
void Skeleton::find_lines(std::vector<Index>& basis) {
  OrthonormalBasis directions(d_);
  std::vector<double> left(a_), norms(given_, 1.0);
  while (basis.size() < d_ && given_) {
    const auto best = std::max_element(norms.begin(), norms.end());
    if (*best <= tolerance_) break;
    const auto row = static_cast<std::size_t>(best - norms.begin());
    directions.append(a_.data() + row * d_);
    basis.push_back(static_cast<Index>(row));
    const double* q = directions.last();
    for (std::size_t i = 0; i < given_; ++i) {
      double* r = left.data() + i * d_;
      const double along = dot(q, r, d_);
      for (std::size_t k = 0; k < d_; ++k) r[k] -= along * q[k];
      norms[i] = std::sqrt(dot(r, r, d_));
    }
    norms[row] = 0;
  }
  lines_ = directions.complement();
  for (std::size_t j = 0; j < lines_.size() / d_; ++j) {
    basis.push_back(static_cast<Index>(rows_));
    for (const double sign : {1.0, -1.0}) {
      for (std::size_t k = 0; k < d_; ++k) a_.push_back(sign * lines_[j * d_ + k]);
      b_.push_back(0);
      ++rows_;
    }
  }
}

// The cone that d rows with independent normals leave: its apex, and d vertices at infinity.
void Skeleton::start(const std::vector<Index>& basis) {
  capacity_ = 0;
  reserve(4 * (d_ + 1));
  n_ = d_ + 1;
  solve_.resize(d_ * (d_ + 1));
  for (std::size_t v = 0; v <= d_; ++v) {
    for (std::size_t r = 0; r < d_; ++r) {
      std::copy_n(a_.data() + basis[r] * d_, d_, solve_.data() + r * (d_ + 1));
      solve_[r * (d_ + 1) + d_] = v ? (r + 1 == v ? -1 : 0) : b_[basis[r]];
    }
    solve_square(solve_.data(), d_);
    double norm = 1;
    if (v) {
      norm = 0;
      for (std::size_t k = 0; k < d_; ++k) norm += solve_[k * (d_ + 1) + d_] * solve_[k * (d_ + 1) + d_];
      norm = std::sqrt(norm);
    }
    for (std::size_t k = 0; k < d_; ++k) x_[k * capacity_ + v] = solve_[k * (d_ + 1) + d_] / norm;
    t_[v] = v ? 0 : 1;
    size_[v] = v ? 1 : largest(x_.data(), d_, capacity_);
    tied_[v] = 0;
    for (std::size_t r = 0; r < d_; ++r) {
      facets_[v * d_ + r] = v == r + 1 ? infinity() : basis[r];
      neighbours_[v * d_ + r] = v == r + 1 ? 0 : static_cast<Index>(r + 1);
    }
  }
}

void Skeleton::reserve(std::size_t vertices) {
  vertices = round_up(vertices, kVertexPadding);
  const std::size_t each = d_ * (sizeof(double) + 2 * sizeof(Index)) + 3 * sizeof(double) + 1;
  if (vertices > std::min<std::size_t>(max_bytes_ / each, std::numeric_limits<Index>::max()))
    throw std::length_error("the polytope has so many vertices that they do not fit in memory (" +
                            std::to_string(n_) + " so far)");
  facets_.resize(std::max(facets_.size(), vertices * d_));
  neighbours_.resize(std::max(neighbours_.size(), vertices * d_));
  t_.resize(std::max(t_.size(), vertices));
  size_.resize(t_.size());
  value_.resize(t_.size());
  tied_.resize(t_.size());
  moved_.resize(t_.size() * d_);
  for (std::size_t k = 0; k < d_ && capacity_; ++k)
    std::copy_n(x_.data() + k * capacity_, capacity_, moved_.data() + k * vertices);
  x_.swap(moved_);
  capacity_ = vertices;
}

}  // namespace facetry::polytope
