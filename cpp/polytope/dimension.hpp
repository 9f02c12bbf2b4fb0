// Emptiness, dimension and relative interior (Matoba, Eq. B.4): the point that has most room, in units of
// each row's size; where there is none, the rows that are equalities are fixed and the rest is tried again.
#pragma once

#include <vector>

#include "polytope/polytope.hpp"

namespace facetry::polytope {

// Unit directions whose parts outside a span are shorter than this lie in it.
inline constexpr double kIndependent = 1e-9;

struct Interior {
  std::ptrdiff_t dimension = -1;  // -1: empty
  double depth = 0;               // the largest slack/size that all rows have at one point, at most 1
  std::vector<double> point;      // in the relative interior; empty vector where the polytope is
  std::vector<double> span;       // (dimension, d): orthonormal directions of the affine hull
  std::vector<bool> equality;     // rows of the table that hold with equality on the whole polytope
  std::vector<double>
      multipliers;  // of the rows of the table: for an empty one they add up to 0 <= -1 or less
};

Interior find_interior(const UnitRows& rows, double tolerance);

// Flat polytopes can be empty by rounding, where the tolerance rule says that they are not. True where that
// is so: then every row is moved outwards as little as makes the polytope non-empty.
bool relax_if_flat(UnitRows& rows, double tolerance);

struct Interiors {
  std::int64_t* dimension;
  double* depth;
  double* point;   // (count, d); NaN for empty
  bool* equality;  // a flag a row
};
void find_interiors(const Batch& batch, const Interiors& out);

// Orthonormal equations E x = f of the affine hull of polytope i, one row (d coefficients, then f) each. An
// empty polytope has the equation 0 = 1.
std::vector<double> affine_hull(const Batch& batch, std::size_t i);

void are_bounded(const Batch& batch, bool* out);

}  // namespace facetry::polytope
