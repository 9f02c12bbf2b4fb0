// The largest eigenvalue of a small symmetric matrix.
#pragma once

#include <cstddef>

namespace facetry {

// Of the n x n matrix, rows `stride` apart, whose lower triangle is read and overwritten. Finite numbers
// only; n > 0. Within a few n * epsilon of the matrix's norm.
double largest_eigenvalue(double* matrix, std::size_t n, std::size_t stride);

}  // namespace facetry
