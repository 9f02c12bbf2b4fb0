// Linear programmes: rows by columns (structure of arrays), so that a lane owns a row and no lanes are
// summed. Every value is a sum in ascending order of plain products and sums: the same bits on every
// instruction set.
#pragma once

#include <cstddef>

namespace facetry {

// Rows and slots are padded to a multiple of this, so that kernels work on whole registers.
inline constexpr std::size_t kRowPadding = 32;

struct PriceCall {
  const double* columns;  // coefficient k of row i is columns[k * stride + i]
  std::size_t stride;     // a multiple of kRowPadding
  std::size_t rows;
  std::size_t dim;
  const double* x;
  const double* rhs;     // subtracted; null for none
  const double* weight;  // multiplied with what is left; null for none
  double* values;        // stride numbers: (columns . x - rhs) * weight
};

struct PointsCall {
  const double* points;  // row by row
  std::size_t count;
  std::size_t dim;
  const double* A;  // row by row
  const double* upper;
  std::size_t rows;
  double* panel;  // scratch: dim * kPanelPoints
  bool* inside;
};

inline constexpr std::size_t kPanelPoints = 16;

struct LpKernels {
  // The first row whose value is the largest; 0 without rows.
  std::size_t (*price)(const PriceCall& call);
  // out[j] = sum over k of row[k] * inverse[k * stride + j], for all j of the stride.
  void (*transform)(const double* inverse, std::size_t stride, std::size_t dim, const double* row,
                    double* out);
  // Column r of the inverse is divided by mu[r], then mu[j] times it is taken off every other column j.
  void (*exchange)(double* inverse, std::size_t stride, std::size_t dim, std::size_t r, const double* mu);
  // inside[i] = all(A . points[i] <= upper).
  void (*contains)(const PointsCall& call);
};

}  // namespace facetry
