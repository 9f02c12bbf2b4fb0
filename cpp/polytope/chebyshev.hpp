// Largest balls: max r such that a . x + r <= rhs for all unit rows.
#pragma once

#include "polytope/polytope.hpp"

namespace facetry::polytope {

// centre is (count, dim). An empty polytope's radius is negative: every point misses some row by as much.
// Without a largest ball the radius is infinite and the centre an interior point. For a row 0 <= negative:
// NaN and minus infinity.
void chebyshev(const Batch& batch, double* centre, double* radius);

}  // namespace facetry::polytope
