#include "polytope/skeleton.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>

#include "base/aligned.hpp"
#include "base/dispatch.hpp"
#include "base/parallel.hpp"
#include "polytope/linear_algebra.hpp"

namespace facetry::polytope {
namespace {

constexpr Skeleton::Index kUnset = ~Skeleton::Index{0};
constexpr double kLeastTolerance = 1e-14;
constexpr std::size_t kVerticesPerCheck = 1 << 16;  // looked at between two looks at Ctrl-C

// Ties contradict each other: no polytope has them all.
struct Contradiction {};

inline std::size_t slot_of(const Skeleton::Index* list, std::size_t d, Skeleton::Index item) {
  std::size_t slot = 0;
  for (std::size_t s = 1; s < d; ++s) slot = list[s] == item ? s : slot;
  if (list[slot] != item) throw Contradiction{};
  return slot;
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
  // Rows that differ by about the tolerance may make ties that contradict each other. Right-hand sides that
  // rounding has left may be most of them and so tell a size that is none: the largest is tried then; else
  // fewer ties.
  const double sizes[] = {scale_, top_, scale_, scale_};
  const double shares[] = {1, 1, 1e-2, 1e-4};
  for (std::size_t i = 0; i < std::size(shares); ++i) {
    scale_ = sizes[i];
    if (build_with(basis, std::max(shares[i] * tolerance_, kLeastTolerance))) return;
  }
  throw std::runtime_error(
      "rows that differ by about the tolerance contradict each other: choose another tolerance");
}

bool Skeleton::build_with(const std::vector<Index>& basis, double tolerance) {
  cut_tolerance_ = tolerance;
  start(basis);
  try {
    switch (d_) {
      case 1:
        cut_by_all<1>(basis);
        break;
      case 2:
        cut_by_all<2>(basis);
        break;
      case 3:
        cut_by_all<3>(basis);
        break;
      case 4:
        cut_by_all<4>(basis);
        break;
      case 5:
        cut_by_all<5>(basis);
        break;
      case 6:
        cut_by_all<6>(basis);
        break;
      case 7:
        cut_by_all<7>(basis);
        break;
      case 8:
        cut_by_all<8>(basis);
        break;
      default:
        cut_by_all<0>(basis);
    }
  } catch (const Contradiction&) {
    return false;
  }
  return is_consistent();
}

template <std::size_t D>
void Skeleton::cut_by_all(const std::vector<Index>& basis) {
  std::vector<std::uint8_t> used(rows_);
  for (const Index row : basis) used[row] = 1;
  // The sides of lines first: they make the polytope flat, and so small.
  for (std::size_t i = given_; i < rows_; ++i)
    if (!used[i]) cut<D>(static_cast<Index>(i));
  for (std::size_t i = 0; i < given_ && n_; ++i)
    if (!used[i]) cut<D>(static_cast<Index>(i));
  if (std::none_of(t_.begin(), t_.begin() + static_cast<std::ptrdiff_t>(n_), [](double t) { return t != 0; }))
    n_ = 0;
}

template <std::size_t D>
void Skeleton::cut(Index row) {
  since_check_ += n_;
  if (since_check_ > kVerticesPerCheck) {
    since_check_ = 0;
    check_stop();
  }
  if (!classify<D>(row)) return;
  if (outside_.size() == n_) {
    n_ = 0;
    return;
  }
  make_vertices<D>(row);
  join<D>();
  drop_outside<D>();
}

// Fills value_ and the head of outside_.
Skeleton::Sides Skeleton::sides(std::size_t row) {
  outside_.resize(n_ + kVertexPadding);
  SidesCall call{x_.data(),
                 capacity_,
                 n_,
                 d_,
                 t_.data(),
                 size_.data(),
                 a_.data() + row * d_,
                 b_[row],
                 size_of(row),
                 cut_tolerance_,
                 value_.data(),
                 outside_.data(),
                 0};
  const std::size_t outside = kernels().vertices.sides(call);
  return {outside, call.ties};
}

// Fills value_ (a . x - b, 0 for a tie) and outside_; whether there is anything outside.
template <std::size_t D>
bool Skeleton::classify(Index row) {
  Sides found = sides(row);
  const std::size_t out = found.outside;
  outside_.resize(out);
  for (std::size_t v = 0; found.ties && v < n_; ++v) {
    if (std::abs(value_[v]) > cut_tolerance_ * std::max(t_[v] * size_of(row), size_[v])) continue;
    value_[v] = 0;
    tied_[v] = 1;
    --found.ties;
  }
  return out > 0;
}

template <std::size_t D>
std::size_t Skeleton::slot_of_neighbour(std::size_t v, Index neighbour) const {
  const std::size_t d = dim<D>();
  return slot_of(neighbours_.data() + v * d, d, neighbour);
}

template <std::size_t D>
std::size_t Skeleton::slot_of_facet(std::size_t v, Index facet) const {
  const std::size_t d = dim<D>();
  return slot_of(facets_.data() + v * d, d, facet);
}

// A vertex on every edge from outside to inside. What was the neighbour outside is now the new vertex, seen
// from both ends of the edge.
template <std::size_t D>
void Skeleton::make_vertices(Index row) {
  const std::size_t d = dim<D>();
  crossing_.resize(outside_.size() * d);
  std::size_t count = 0;
  for (const Index w : outside_)
    for (std::size_t s = 0; s < d; ++s) {
      crossing_[count] = {w, static_cast<Index>(s)};
      count += value_[neighbours_[w * d + s]] <= 0;
    }
  crossing_.resize(count);
  while (n_ + count > capacity_) reserve(2 * capacity_);
  for (std::size_t i = 0; i < count; ++i) {
    const auto [w, s] = crossing_[i];
    const std::size_t made = n_ + i;
    const Index u = neighbours_[w * d + s];
    for (std::size_t k = 0; k < d; ++k) {
      facets_[made * d + k] = facets_[w * d + k];
      neighbours_[made * d + k] = kUnset;
    }
    facets_[made * d + s] = row;
    neighbours_[made * d + s] = u;
    neighbours_[u * d + slot_of_neighbour<D>(u, w)] = static_cast<Index>(made);
    neighbours_[w * d + s] = static_cast<Index>(made);
    place<D>(made, u, w);
  }
}

template <std::size_t D>
void Skeleton::place(std::size_t v, std::size_t inside, std::size_t outside) {
  const std::size_t d = dim<D>();
  const double alpha = -value_[inside], beta = value_[outside];
  const bool copy = alpha == 0;
  const bool far_inside = t_[inside] == 0, far_outside = t_[outside] == 0;
  // base + share * (other - shift * base), from the nearer end.
  std::size_t base = inside, other = outside;
  double share = 0, shift = 0;
  if (!copy && !far_inside && !far_outside) {
    if (alpha >= beta) std::swap(base, other);
    share = std::min(alpha, beta) / (alpha + beta);
    shift = 1;
  } else if (!copy && far_inside && !far_outside) {
    std::swap(base, other);
    share = beta / alpha;
  } else if (!copy) {
    share = alpha / beta;
  }
  double norm = 0, top = 0;
  for (std::size_t k = 0; k < d; ++k) {
    double* x = x_.data() + k * capacity_;
    x[v] = x[base] + share * (x[other] - shift * x[base]);
    norm += x[v] * x[v];
    top = std::max(top, std::abs(x[v]));
  }
  t_[v] = copy ? t_[inside] : std::max(t_[inside], t_[outside]);
  tied_[v] = copy || (tied_[inside] && tied_[outside]);
  size_[v] = t_[v] != 0 ? top : 1;
  if (t_[v] != 0 || copy) return;
  norm = std::sqrt(norm);
  for (std::size_t k = 0; k < d; ++k) x_[k * capacity_ + v] /= norm;
}

// Edges between the new vertices: one in every polygon that is cut.
template <std::size_t D>
void Skeleton::join() {
  const std::size_t d = dim<D>();
  for (std::size_t i = 0; i < crossing_.size(); ++i)
    for (std::size_t s = 0; s < d; ++s)
      if (neighbours_[(n_ + i) * d + s] == kUnset) join_across<D>(crossing_[i].outside, crossing_[i].slot, s);
}

// The polygon of all facets of `outside` but those in `slot` and `other` is left by the edge of `slot`; walks
// around it, over vertices outside, to the edge by which it is entered again.
template <std::size_t D>
void Skeleton::join_across(Index outside, std::size_t slot, std::size_t other) {
  const std::size_t d = dim<D>();
  const Index first = neighbours_[outside * d + slot];
  std::size_t v = outside, kept = slot, drop = other;
  for (std::size_t steps = 0; steps <= n_; ++steps) {
    const Index next = neighbours_[v * d + drop];
    if (next >= n_) {
      neighbours_[first * d + other] = next;
      neighbours_[next * d + kept] = first;
      return;
    }
    const Index facet = facets_[v * d + kept];
    kept = slot_of_neighbour<D>(next, static_cast<Index>(v));
    drop = slot_of_facet<D>(next, facet);
    v = next;
  }
  throw Contradiction{};
}

template <std::size_t D>
void Skeleton::drop_outside() {
  const std::size_t total = n_ + crossing_.size();
  const std::size_t left = total - outside_.size();
  std::size_t last = total;
  std::size_t dead = outside_.size();
  for (std::size_t i = 0; i < outside_.size() && outside_[i] < left; ++i) {
    --last;
    while (dead && outside_[dead - 1] == last) {
      --dead;
      --last;
    }
    move_vertex<D>(last, outside_[i]);
  }
  n_ = left;
}

template <std::size_t D>
void Skeleton::move_vertex(std::size_t from, std::size_t to) {
  const std::size_t d = dim<D>();
  for (std::size_t s = 0; s < d; ++s) {
    const Index u = neighbours_[from * d + s];
    neighbours_[u * d + slot_of_neighbour<D>(u, static_cast<Index>(from))] = static_cast<Index>(to);
    neighbours_[to * d + s] = u;
    facets_[to * d + s] = facets_[from * d + s];
    x_[s * capacity_ + to] = x_[s * capacity_ + from];
  }
  t_[to] = t_[from];
  size_[to] = size_[from];
  tied_[to] = tied_[from];
}

}  // namespace facetry::polytope
