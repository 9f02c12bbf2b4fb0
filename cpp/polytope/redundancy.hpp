// Rows that a polytope does not need (Matoba, B.3.1; Fukuda's polyhedra FAQ, section "redundancy").
//
// Around an interior point every row is p . y <= 1, so a row that a ray from there hits alone is a facet, and
// the vertex of a linear programme over some rows gives a ray that hits another. Each row is maximised over
// the facets known so far only; all rows are looked at just when that fails to show it redundant, and each
// such look finds a facet (Clarkson 1994).
#pragma once

#include "polytope/polytope.hpp"

namespace facetry::polytope {

// kept: a flag a row. The rows that are kept describe the same polytope, and none of them follows from the
// others. Of equal rows the first is kept. Of an empty polytope a contradiction is kept, none of whose rows
// can go.
void minimal_rows(const Batch& batch, bool* kept);

}  // namespace facetry::polytope
