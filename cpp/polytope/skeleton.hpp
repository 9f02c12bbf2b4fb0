// The vertices of {x : A x <= b} joined by its edges, made by cutting a simplex with one row after the other.
// The polytope is held as if every row were moved outward by its own infinitesimal amount, larger for each
// later row: then it is simple (d facets and d edges at every vertex) whatever the ties, since a vertex that
// lies on a later row counts as inside of it. Points at infinity are vertices too: t = 0, on the facet
// `infinity`.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace facetry::polytope {

// {x : a_i . x <= b_i}, row-major. A row of zeros is allowed where b_i < 0.
struct HalfSpaces {
  const double* a = nullptr;
  const double* b = nullptr;
  std::size_t count = 0, dimension = 0;

  HalfSpaces part(std::int64_t begin, std::int64_t end) const {
    return {a + static_cast<std::size_t>(begin) * dimension, b + begin, static_cast<std::size_t>(end - begin),
            dimension};
  }
};

struct SkeletonOptions {
  double tolerance = 1e-10;       // see Skeleton::tie
  std::size_t max_bytes = ~0ull;  // std::length_error beyond
};

class Skeleton {
 public:
  using Index = std::uint32_t;

  // Reuses the memory of the last polytope.
  void build(const HalfSpaces& rows, const SkeletonOptions& options);

  std::size_t dimension() const { return d_; }
  std::size_t size() const { return n_; }
  // Facets: rows 0 .. rows() - 1, then both sides of every line of the polytope, then infinity.
  std::size_t rows() const { return given_; }
  std::size_t facets() const { return rows_ + 1; }
  Index infinity() const { return static_cast<Index>(rows_); }
  // An orthonormal basis of the directions in which the polytope is a union of lines, row-major.
  std::span<const double> lines() const { return lines_; }

  bool at_infinity(std::size_t v) const { return t_[v] == 0; }
  // Another facet than facets_of(v) may pass through v.
  bool tied(std::size_t v) const { return tied_[v] != 0; }
  std::span<const Index> facets_of(std::size_t v) const { return {facets_.data() + v * d_, d_}; }
  // neighbours_of(v)[s] is where the edge leads that leaves facets_of(v)[s].
  std::span<const Index> neighbours_of(std::size_t v) const { return {neighbours_.data() + v * d_, d_}; }
  // A point, or a direction of length 1.
  void coordinates(std::size_t v, double* x) const {
    for (std::size_t k = 0; k < d_; ++k) x[k] = x_[k * capacity_ + v];
  }
  // Whether rounding alone is between v and the facets through it.
  bool is_sharp(std::size_t v) const;
  // Solves for the point where the facets of v meet, in place of the one that was interpolated. Gives
  // |det| of their unit normals, 0 where v is at infinity.
  double refine(std::size_t v);

  // b_i - a_i . x in units of length (rows have length 1), b left out at infinity.
  double slack(std::size_t row, const double* x, bool at_infinity) const;
  // Whether a slack counts as zero. That is the rule of python/facetry/polytope/_tolerance.py, |slack| <=
  // tolerance * max(|b_i|, median |b|), but far out the largest coordinate of x counts as a size too.
  bool tie(std::size_t row, double slack, const double* x, bool at_infinity) const;

 private:
  void normalise(const HalfSpaces& rows);
  void find_lines(std::vector<Index>& basis);
  void start(const std::vector<Index>& basis);
  bool build_with(const std::vector<Index>& basis, double tolerance);
  // Whether no tie has put a vertex outside of a row.
  bool is_consistent();
  struct Sides {
    std::size_t outside, ties;
  };
  Sides sides(std::size_t row);
  double size_of(std::size_t row) const { return std::max(std::abs(b_[row]), scale_); }
  void reserve(std::size_t vertices);
  // What follows is compiled for each dimension D up to 8, and for any other one as D = 0: loops of a known
  // length are twice as fast.
  template <std::size_t D>
  std::size_t dim() const {
    return D ? D : d_;
  }
  template <std::size_t D>
  void cut_by_all(const std::vector<Index>& basis);
  template <std::size_t D>
  void cut(Index row);
  template <std::size_t D>
  bool classify(Index row);
  template <std::size_t D>
  void make_vertices(Index row);
  template <std::size_t D>
  void join();
  template <std::size_t D>
  void join_across(Index outside, std::size_t slot, std::size_t other);
  template <std::size_t D>
  void place(std::size_t v, std::size_t inside, std::size_t outside);
  template <std::size_t D>
  void drop_outside();
  template <std::size_t D>
  void move_vertex(std::size_t from, std::size_t to);
  template <std::size_t D>
  std::size_t slot_of_neighbour(std::size_t v, Index neighbour) const;
  template <std::size_t D>
  std::size_t slot_of_facet(std::size_t v, Index facet) const;

  std::size_t d_ = 0, given_ = 0, rows_ = 0, n_ = 0, capacity_ = 0;
  double tolerance_ = 0, cut_tolerance_ = 0, scale_ = 0, top_ = 0;
  std::size_t max_bytes_ = 0, since_check_ = 0;
  bool impossible_ = false;
  std::vector<double> a_, b_, lines_;
  std::vector<Index> facets_, neighbours_;
  std::vector<double> x_, t_, size_, value_;
  std::vector<std::uint8_t> tied_;
  struct Crossing {  // the edge of a vertex outside that leaves the facet in a slot of it
    Index outside, slot;
  };
  std::vector<Index> outside_;
  std::vector<Crossing> crossing_;
  std::vector<double> solve_, moved_;
};

}  // namespace facetry::polytope
