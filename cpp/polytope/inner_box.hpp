// The box of largest volume inside a polytope.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "polytope/skeleton.hpp"

namespace facetry::polytope {

// max sum log y_k subject to A x + max(A, 0) y <= b (Bemporad, Filippi and Torrisi 2004), by Newton's method
// on a logarithmic barrier. centres and radii are those of balls inside, of which the radius is positive. lo
// and hi are (polytopes, dimension); a polytope whose radius is not positive and finite is left out.
void inner_boxes(const HalfSpaces& rows, std::span<const std::int64_t> offsets, const double* centres,
                 const double* radii, double* lo, double* hi);

}  // namespace facetry::polytope
