// Coordinate hit-and-run: points of a polytope that contains the origin in its interior, uniform in the
// limit, and ratios of the volumes of its intersections with balls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "polytope/skeleton.hpp"

namespace facetry::polytope {

// Chain c starts at the origin, makes `burn_in` steps, then gives a point every `thinning` steps. out is
// (chains, n, dimension) and depends on the seed alone.
void hit_and_run(const HalfSpaces& rows, std::uint64_t seed, std::size_t chains, std::size_t burn_in,
                 std::size_t n, std::size_t thinning, double* out);

// radii ascend. out[run][i] is the share of `steps` points of the polytope within radii[i + 1] that is within
// radii[i]; beyond the last radius there is the whole polytope. Runs are independent.
void ball_shares(const HalfSpaces& rows, std::span<const double> radii, std::uint64_t seed, std::size_t runs,
                 std::size_t steps, double* out);

}  // namespace facetry::polytope
