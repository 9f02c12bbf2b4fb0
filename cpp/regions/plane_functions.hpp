// Affine functions on a plane as they lie in memory: in blocks of eight (kernels/plane.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/plane.hpp"

namespace facetry {

// Where coefficient a of function i stands; b and c are kPlaneLanes and 2 kPlaneLanes further.
inline std::uint32_t place_of(std::size_t i) {
  return static_cast<std::uint32_t>(i / kPlaneLanes * kPlaneBlock + i % kPlaneLanes);
}

// Function i times a factor, as (a, b, c).
inline void take_function(const double* functions, std::size_t i, double factor, double* to) {
  for (std::size_t k = 0; k < 3; ++k) to[k] = factor * functions[place_of(i) + k * kPlaneLanes];
}

}  // namespace facetry
