// When a pre-activation counts as zero.
#pragma once

namespace facetry {

// Times the largest value that the sum of absolute terms of the neuron takes on the domain. Relative to the
// cell instead of the domain, two sides of a wall disagreed on nets of integer weights; with no tolerance at
// all, lines through one point did.
inline constexpr double kRelativeTolerance = 1e-13;

}  // namespace facetry
