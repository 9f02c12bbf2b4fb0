// Operator norms of the Jacobians of a network's outputs: how steep it is at a point (Johansson 2022,
// Definition 1).
#pragma once

#include <cstddef>
#include <cstdint>

#include "network/network.hpp"

namespace facetry {

enum class SlopeNorm { kOne, kTwo, kInfinity };

template <class T>
struct SlopeCall {
  std::size_t patterns = 0;
  const std::uint64_t* bits = nullptr;  // (patterns, words)
  SlopeNorm norm = SlopeNorm::kTwo;
  // L of the first step's weights, W = L Q with orthonormal rows of Q: lower triangular (width, width).
  // Singular values of a product with L are those of the product with W. None: W itself.
  const T* triangle = nullptr;
  T* out = nullptr;  // (patterns,)
};

// Rows of J are made in T, backwards, over active neurons only; the sums and the eigenvalue of J J^T (of J^T
// J where there are fewer inputs than outputs) in double. An element that overflows gives infinity or NaN.
template <class T>
void slopes(const Network<T>& network, const SlopeCall<T>& call);

extern template void slopes(const Network<float>&, const SlopeCall<float>&);
extern template void slopes(const Network<double>&, const SlopeCall<double>&);

}  // namespace facetry
