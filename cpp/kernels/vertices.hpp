// Vertices of polytopes: points by columns (structure of arrays), so that a lane owns a vertex. Every value
// is a sum in ascending order of plain products and sums: the same bits on every instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace facetry {

// Columns are readable up to the next multiple of this.
inline constexpr std::size_t kVertexPadding = 8;

struct SidesCall {
  const double* columns;  // coordinate k of vertex v is columns[k * stride + v]
  std::size_t stride;
  std::size_t vertices;
  std::size_t dim;
  const double* finite;  // 1, or 0 for a vertex at infinity
  const double* size;    // of the vertex, or 1 at infinity
  const double* a;       // the row a . x <= b
  double b;
  double row_size;
  double tolerance;
  double* values;  // a . x - finite * b
  std::uint32_t*
      outside;       // vertices whose value is above tolerance * max(size, finite * row_size), ascending
  std::size_t ties;  // how many are within that of 0
};

struct VertexKernels {
  // Gives the number of vertices outside.
  std::size_t (*sides)(SidesCall& call);
};

}  // namespace facetry
