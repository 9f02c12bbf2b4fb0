// Facets in the plane, by sorting instead of linear programmes.
#pragma once

#include <vector>

#include "polytope/polar.hpp"

namespace facetry::polytope {

// Rows p . y <= 1 of the plane that no others imply: the corners of the convex hull of all p and the origin.
std::vector<std::size_t> polygon_facets(const PolarRows& rows);

}  // namespace facetry::polytope
