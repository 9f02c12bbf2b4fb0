#include "polytope/skeleton.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "base/parallel.hpp"
#include "polytope/linear_algebra.hpp"

namespace facetry::polytope {
namespace {

constexpr Skeleton::Index kUnset = ~Skeleton::Index{0};
constexpr std::size_t kBlock = 512;  // vertices whose values stay in the first cache while columns are added

double largest(const double* x, std::size_t n, std::size_t stride) {
  double m = 0;
  for (std::size_t k = 0; k < n; ++k) m = std::max(m, std::abs(x[k * stride]));
  return m;
}

}  // namespace

void Skeleton::build(const HalfSpaces& rows, const SkeletonOptions& options) {
  d_ = rows.dimension;
  given_ = rows.count;
  tolerance_ = options.tolerance;
  max_bytes_ = options.max_bytes;
  n_ = 0;
  normalise(rows);
  lines_.clear();
  rows_ = given_;
  if (impossible_) return;
  std::vector<Index> basis;
  find_lines(basis);
  start(basis);
  std::vector<std::uint8_t> used(rows_);
  for (const Index row : basis) used[row] = 1;
  // The sides of lines first: they make the polytope flat, and so small.
  for (std::size_t i = given_; i < rows_; ++i)
    if (!used[i]) cut(static_cast<Index>(i));
  for (std::size_t i = 0; i < given_ && n_; ++i)
    if (!used[i]) cut(static_cast<Index>(i));
  if (std::none_of(t_.begin(), t_.begin() + static_cast<std::ptrdiff_t>(n_), [](double t) { return t != 0; }))
    n_ = 0;
}

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

void Skeleton::cut(Index row) {
  if (!classify(row)) return;
  if (outside_.size() == n_) {
    n_ = 0;
    return;
  }
  make_vertices(row);
  join();
  drop_outside();
  check_stop();
}

// Fills value_ (a . x - b, 0 for a tie) and outside_; whether there is anything outside.
bool Skeleton::classify(Index row) {
  outside_.clear();
  const double* a = a_.data() + row * d_;
  const double b = b_[row];
  const double size_of_row = std::max(std::abs(b), scale_);
  for (std::size_t begin = 0; begin < n_; begin += kBlock) {
    const std::size_t end = std::min(n_, begin + kBlock);
    for (std::size_t v = begin; v < end; ++v) value_[v] = -b * t_[v];
    for (std::size_t k = 0; k < d_; ++k) {
      const double* x = x_.data() + k * capacity_;
      const double ak = a[k];
      for (std::size_t v = begin; v < end; ++v) value_[v] += ak * x[v];
    }
    for (std::size_t v = begin; v < end; ++v) {
      const double bound = tolerance_ * (t_[v] != 0 ? std::max(size_[v], size_of_row) : 1.0);
      if (value_[v] < -bound) continue;
      if (value_[v] > bound) {
        outside_.push_back(static_cast<Index>(v));
      } else {
        value_[v] = 0;
        tied_[v] = 1;
      }
    }
  }
  return !outside_.empty();
}

// A vertex on every edge from outside to inside. What was the neighbour outside is now the new vertex, seen
// from both ends of the edge.
void Skeleton::make_vertices(Index row) {
  source_.clear();
  source_slot_.clear();
  std::size_t made = n_;
  for (const Index w : outside_) {
    for (std::size_t s = 0; s < d_; ++s) {
      const Index u = neighbours_[w * d_ + s];
      if (u >= n_ || value_[u] > 0) continue;
      if (made == capacity_) reserve(2 * capacity_);
      std::copy_n(facets_.data() + w * d_, d_, facets_.data() + made * d_);
      std::fill_n(neighbours_.data() + made * d_, d_, kUnset);
      facets_[made * d_ + s] = row;
      neighbours_[made * d_ + s] = u;
      neighbours_[u * d_ + slot_of_neighbour(u, w)] = static_cast<Index>(made);
      neighbours_[w * d_ + s] = static_cast<Index>(made);
      source_.push_back(w);
      source_slot_.push_back(static_cast<Index>(s));
      place(made++, u, w);
    }
  }
}

void Skeleton::place(std::size_t v, std::size_t inside, std::size_t outside) {
  const double alpha = -value_[inside], beta = value_[outside];
  const bool copy = alpha == 0;
  t_[v] = copy ? t_[inside] : std::max(t_[inside], t_[outside]);
  tied_[v] = copy || (tied_[inside] && tied_[outside]);
  double norm = 0;
  for (std::size_t k = 0; k < d_; ++k) {
    double* x = x_.data() + k * capacity_;
    const double u = x[inside], w = x[outside];
    if (copy)
      x[v] = u;
    else if (t_[inside] != 0 && t_[outside] != 0)  // from the nearer end
      x[v] = alpha < beta ? u + alpha / (alpha + beta) * (w - u) : w + beta / (alpha + beta) * (u - w);
    else if (t_[inside] != 0)
      x[v] = u + alpha / beta * w;
    else if (t_[outside] != 0)
      x[v] = w + beta / alpha * u;
    else
      x[v] = beta * u + alpha * w;
    norm += x[v] * x[v];
  }
  if (t_[v] == 0 && !copy) {
    norm = std::sqrt(norm);
    for (std::size_t k = 0; k < d_; ++k) x_[k * capacity_ + v] /= norm;
  }
  size_[v] = t_[v] != 0 ? largest(x_.data() + v, d_, capacity_) : 1;
}

// Edges between the new vertices: one in every polygon that is cut.
void Skeleton::join() {
  for (std::size_t i = 0; i < source_.size(); ++i)
    for (std::size_t s = 0; s < d_; ++s)
      if (neighbours_[(n_ + i) * d_ + s] == kUnset) join_across(source_[i], source_slot_[i], s);
}

// The polygon of all facets of `outside` but those in `slot` and `other` is left by the edge of `slot`; walks
// around it, over vertices outside, to the edge by which it is entered again.
void Skeleton::join_across(Index outside, std::size_t slot, std::size_t other) {
  const Index first = neighbours_[outside * d_ + slot];
  std::size_t v = outside, kept = slot, drop = other;
  for (std::size_t steps = 0; steps <= n_; ++steps) {
    const Index next = neighbours_[v * d_ + drop];
    if (next >= n_) {
      neighbours_[first * d_ + other] = next;
      neighbours_[next * d_ + kept] = first;
      return;
    }
    const Index facet = facets_[v * d_ + kept];
    kept = slot_of_neighbour(next, static_cast<Index>(v));
    drop = slot_of_facet(next, facet);
    v = next;
  }
  throw std::runtime_error("the rows are too close to degenerate for this tolerance");
}

void Skeleton::drop_outside() {
  const std::size_t total = n_ + source_.size();
  const std::size_t left = total - outside_.size();
  std::size_t last = total;
  std::size_t dead = outside_.size();
  for (std::size_t i = 0; i < outside_.size() && outside_[i] < left; ++i) {
    --last;
    while (dead && outside_[dead - 1] == last) {
      --dead;
      --last;
    }
    move_vertex(last, outside_[i]);
  }
  n_ = left;
}

void Skeleton::move_vertex(std::size_t from, std::size_t to) {
  for (std::size_t s = 0; s < d_; ++s) {
    const Index u = neighbours_[from * d_ + s];
    neighbours_[u * d_ + slot_of_neighbour(u, static_cast<Index>(from))] = static_cast<Index>(to);
    neighbours_[to * d_ + s] = u;
    facets_[to * d_ + s] = facets_[from * d_ + s];
    x_[s * capacity_ + to] = x_[s * capacity_ + from];
  }
  t_[to] = t_[from];
  size_[to] = size_[from];
  tied_[to] = tied_[from];
}

void Skeleton::reserve(std::size_t vertices) {
  const std::size_t each = d_ * (sizeof(double) + 2 * sizeof(Index)) + 3 * sizeof(double) + 1;
  if (vertices > std::min<std::size_t>(max_bytes_ / each, kUnset))
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

std::size_t Skeleton::slot_of_neighbour(std::size_t v, Index neighbour) const {
  const Index* list = neighbours_.data() + v * d_;
  for (std::size_t s = 0; s < d_; ++s)
    if (list[s] == neighbour) return s;
  throw std::runtime_error("the rows are too close to degenerate for this tolerance");
}

std::size_t Skeleton::slot_of_facet(std::size_t v, Index facet) const {
  const Index* list = facets_.data() + v * d_;
  for (std::size_t s = 0; s < d_; ++s)
    if (list[s] == facet) return s;
  throw std::runtime_error("the rows are too close to degenerate for this tolerance");
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
  double norm = 0;
  bool finite = det != 0;
  for (std::size_t k = 0; k < d_; ++k) {
    const double x = solve_[k * (d_ + 1) + d_];
    norm += x * x;
    finite = finite && std::isfinite(x);
  }
  if (!finite) return 0;
  norm = far ? std::sqrt(norm) : 1;
  for (std::size_t k = 0; k < d_; ++k) x_[k * capacity_ + v] = solve_[k * (d_ + 1) + d_] / norm;
  return far ? 0 : std::abs(det);
}

double Skeleton::slack(std::size_t row, const double* x, bool at_infinity) const {
  return (at_infinity ? 0 : b_[row]) - dot(a_.data() + row * d_, x, d_);
}

bool Skeleton::tie(std::size_t row, double slack, const double* x, bool at_infinity) const {
  const double size = at_infinity ? 1 : std::max({largest(x, d_, 1), std::abs(b_[row]), scale_});
  return std::abs(slack) <= tolerance_ * size;
}

}  // namespace facetry::polytope
