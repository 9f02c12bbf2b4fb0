// Membership of many points: A x <= b in one pass, without the products in memory.
#pragma once

#include <cstddef>

namespace facetry::polytope {

// inside[i] = all(A . points[i] <= upper), where a row's value is the sum -upper + A[0] x[0] + A[1] x[1] +
// ... in this order. Throws std::invalid_argument for NaN or infinity in the points.
void contains(const double* A, const double* upper, std::size_t rows, std::size_t dim, const double* points,
              std::size_t count, bool* inside);

}  // namespace facetry::polytope
