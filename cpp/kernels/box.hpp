// Cells as lists of vertices: on which sides of them hyperplanes lie, and a cell cut in two by one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace facetry {

// Affine functions of D coordinates stand in blocks: coefficient k of function i is
// [i / kBoxLanes][k][i % kBoxLanes], the constant being k = D.
inline constexpr std::size_t kBoxLanes = 8;
inline constexpr std::size_t kBoxMaxDimension = 9;

// Bit i of crossing[b] is 1 where function i of block b takes values below -tolerance and above tolerance on
// the vertices, of positive[b] where it takes one above. Blocks with live[b] = 0 are left out.
struct BoxRange {
  std::size_t count = 0;
  const double* x = nullptr;  // (count, D)
  std::size_t blocks = 0;
  const double* functions = nullptr;
  const double* tolerances = nullptr;  // (blocks, kBoxLanes)
  const std::uint8_t* live = nullptr;  // (blocks,)
  std::uint8_t* crossing = nullptr;
  std::uint8_t* positive = nullptr;
};

// A part of a cell after a cut.
struct BoxPart {
  double* x = nullptr;
  std::uint64_t* masks = nullptr;  // (vertices, words)
  std::size_t kept = 0;            // vertices of the cell; those of the cut come after them
};

// Vertices whose value is at most the tolerance go low, the others high. The mask of a vertex has one bit a
// facet that it lies on, D of them; two vertices make an edge iff their masks differ in one bit each. The new
// vertex of an edge from low to high lies on the edge's facets and on the facet `bit`.
struct BoxCut {
  std::size_t count = 0;
  const double* x = nullptr;
  const std::uint64_t* masks = nullptr;
  std::size_t words = 1;
  const double* function = nullptr;  // (D + 1,)
  double tolerance = 0;
  std::size_t bit = 0;
  std::size_t room = 0;      // for new vertices in either part
  double* values = nullptr;  // scratch, (count + kBoxLanes,) each
  std::uint32_t* order = nullptr;
  BoxPart low, high;
  bool has_tie = false;  // a vertex within the tolerance
};

// to[b][k] = from[b][k] + sum over c of weights[columns[c]][b] * coefficients[c][k], in the order of c.
struct BoxSum {
  std::size_t blocks = 0;
  const double* from = nullptr;
  double* to = nullptr;
  const double* weights = nullptr;  // rows of blocks * kBoxLanes
  const std::uint32_t* columns = nullptr;
  const double* coefficients = nullptr;  // (count, D + 1)
  std::size_t count = 0;
};

// One entry a dimension D from 1 on.
struct BoxFamily {
  void (*range)(const BoxRange&);
  std::size_t (*cut)(BoxCut&);  // the number of new vertices; past cut.room they are counted, not written
  void (*sum)(const BoxSum&);
};

struct BoxKernels {
  BoxFamily of[kBoxMaxDimension + 1];
};

}  // namespace facetry
