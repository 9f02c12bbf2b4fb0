// Where regions are looked for: a box, a polytope, or all of space, as cells to start from.
#pragma once

#include <cstddef>
#include <vector>

#include "regions/box_walk.hpp"

namespace facetry {

// A box where there are bounds, else the points with rows @ x <= right; no rows are all of space.
struct BoxDomain {
  std::vector<double> lo, hi;
  std::vector<double> rows, right;
};

struct BoxProblem {
  BoxLayers layers;
  std::vector<BoxJob> roots;
};

// Throws std::domain_error for a domain without an interior, and where values overflow.
BoxProblem make_box_problem(const Network<double>& network, const BoxDomain& domain, bool has_output);

}  // namespace facetry
