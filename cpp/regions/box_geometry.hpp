// Points inside cells and facets, and which facets are ones.
#pragma once

#include <cstddef>

#include "regions/box_walk.hpp"

namespace facetry {

// A point in the relative interior of the facet `bit`, or of the cell where bit is ~0: (inputs,).
void center_of(const BoxSpace& space, const BoxCell& cell, std::size_t bit, double* center);

// Whether the vertices on `bit` span one dimension less than the cell. Where several hyperplanes meet in one
// point some facets shrink to it.
bool is_facet(const BoxSpace& space, const BoxCell& cell, std::size_t bit);

}  // namespace facetry
