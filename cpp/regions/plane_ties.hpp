// Tidies a complex whose faces were cut by the upper envelope of the outputs.
#pragma once

#include "regions/plane.hpp"

namespace facetry {

// Merges neighbours of the same class that a tie of two outputs parts which a third one beats, and drops the
// vertices that only such ties had. What is left keeps its order. `corners` is the number of the domain.s
// corners.
void merge_ties(PlaneComplex& complex, std::size_t corners);

}  // namespace facetry
