// Affine functions on a plane, eight in a block: which of them change sign on a polygon, and sums of them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace facetry {

// Function i of a block is a[i] x + b[i] y + c[i]; a block holds 8 a, 8 b, 8 c.
inline constexpr std::size_t kPlaneLanes = 8;
inline constexpr std::size_t kPlaneBlock = 3 * kPlaneLanes;

// A corner of a polygon, and the edge from it to the next one: twice its number, + 1 against its direction.
struct PlaneCorner {
  double x, y;
  std::uint32_t vertex, edge;
};

// Bit i of byte b is function i of block b. Functions that are not live are given as neither.
struct ClassifyCall {
  std::size_t blocks = 0;
  const double* maps = nullptr;
  const double* tolerance = nullptr;   // (8 blocks,)
  const std::uint8_t* live = nullptr;  // (blocks,)
  std::uint8_t* crossing = nullptr;    // > tolerance at a corner and < -tolerance at another one
  std::uint8_t* positive = nullptr;    // > tolerance at a corner and nowhere < -tolerance
  const PlaneCorner* corners = nullptr;
  std::size_t size = 0;
};

// output = input + sum over i of weights[rows[i]] times the function at functions[places[i]].
struct CombineCall {
  std::size_t blocks = 0;
  const double* input = nullptr;
  double* output = nullptr;
  const double* weights = nullptr;  // one row of 8 blocks an addend
  const std::uint32_t* rows = nullptr;
  const double* functions = nullptr;
  const std::uint32_t* places = nullptr;  // of a; b and c are 8 and 16 further
  std::size_t count = 0;
};

struct PlaneKernels {
  void (*classify)(const ClassifyCall&);
  void (*combine)(const CombineCall&);
  // The values that classify compares, of one function (a, b, c) at every corner.
  void (*evaluate)(const double* function, const PlaneCorner* corners, std::size_t size, double* values);
};

}  // namespace facetry
