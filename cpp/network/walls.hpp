// Distances from points to the walls of all their neurons, along given directions and along the axes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "network/margin_bounds.hpp"
#include "network/network.hpp"

namespace facetry {

// The Jacobian of the first layer of neurons, (its width, columns), row-major. For Euclidean distances also
// that matrix times any with orthonormal columns that span its rows: gradients keep their norms.
template <class T>
struct WallBase {
  const T* values = nullptr;
  std::size_t columns = 0;
};

// out (rows, neurons): |z_j| / || grad z_j ||_q, infinite where the gradient is zero. Pre-activations are in
// double, gradients in T, J = W D J over the active rows of J. x is finite.
template <class T>
void wall_distances(const Network<double>& network, const Network<T>& linear, const WallBase<T>& base,
                    DualNorm norm, std::size_t rows, const double* x, double* out);

// out (rows, inputs, 2): how far each input alone can fall (not above 0) and rise before a neuron changes.
void axis_margins(const Network<double>& network, const WallBase<double>& base, std::size_t rows,
                  const double* x, double* out);

// out (rows, directions): the most that a point can move along each direction, in lengths of it (Lee et al.
// 2019, Proposition 4). `directions` is (directions, inputs), or (rows, directions, inputs) where has_own.
struct DirectionCall {
  std::size_t rows = 0;
  std::size_t directions = 0;
  bool has_own = false;
  const double* x = nullptr;
  const double* vectors = nullptr;
  double* out = nullptr;
};
void directional_margins(const Network<double>& network, const DirectionCall& call);

extern template void wall_distances(const Network<double>&, const Network<float>&, const WallBase<float>&,
                                    DualNorm, std::size_t, const double*, double*);
extern template void wall_distances(const Network<double>&, const Network<double>&, const WallBase<double>&,
                                    DualNorm, std::size_t, const double*, double*);

}  // namespace facetry
