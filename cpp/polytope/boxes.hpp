// Smallest boxes around polytopes (Matoba, Eqs. B.7 and B.8): two linear programmes an axis, each from the
// basis of the one before.
#pragma once

#include "polytope/polytope.hpp"

namespace facetry::polytope {

// lo and hi are (count, dim). Unbounded sides are infinite; of an empty polytope lo is +inf and hi -inf.
void bounding_boxes(const Batch& batch, double* lo, double* hi);

}  // namespace facetry::polytope
