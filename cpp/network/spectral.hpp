// Upper bounds of matrix norms that hold in exact arithmetic.
#pragma once

#include <cstddef>

#include "kernels/dense.hpp"

namespace facetry {

// A matrix of doubles, row-major, element (i, k) taken times column_factors[k] where there are some.
struct MatrixView {
  const double* values = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 0;
  const double* column_factors = nullptr;

  double at(std::size_t i, std::size_t k) const {
    const double value = values[i * columns + k];
    return column_factors ? value * column_factors[k] : value;
  }
};

// Not below the largest singular value; about 2 % above it where the smaller side is 300.
double spectral_bound(const DenseFamily<double>& family, const MatrixView& matrix);
// Not below the root of the sum of squares.
double frobenius_bound(const MatrixView& matrix);
// Not below the norm of each row: || . ||_2.
double row_bound(const MatrixView& matrix, std::size_t row);

}  // namespace facetry
