// A network restricted to planes: every region that meets a convex polygon of a plane, as a planar complex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "network/network.hpp"

namespace facetry {

enum class PlaneOutputs {
  kWhole,    // faces are linear regions
  kSign,     // cut where output 0 is 0; class 1 where it is positive
  kLargest,  // cut where two outputs tie for the largest; the class is its number
  kLowest,
};

// Inputs are origin + x u + y v for (x, y) in the polygon, which lies in [-1, 1]^2 and about fills it.
struct PlaneCall {
  std::size_t planes = 0;
  const double* frames = nullptr;   // (planes, 3, inputs): origin, u, v
  const double* polygon = nullptr;  // (corners, 2), counterclockwise and convex
  std::size_t corners = 0;
  PlaneOutputs outputs = PlaneOutputs::kWhole;
  double tolerance = 1e-13;  // times the scale of a neuron
  std::size_t max_bytes = ~std::size_t{0};
};

template <class T>
struct PlaneArray {
  std::unique_ptr<T[]> data;
  std::size_t size = 0;

  explicit PlaneArray(std::size_t count = 0) : data(new T[count]), size(count) {}
  T& operator[](std::size_t i) { return data[i]; }
  const T& operator[](std::size_t i) const { return data[i]; }
};

inline constexpr std::int32_t kPlaneBoundary = -1;  // as an edge's neuron
inline constexpr std::int32_t kPlaneTie = -2;
inline constexpr std::int32_t kPlaneOutside = -1;  // as an edge's face

struct PlaneComplex {
  PlaneArray<double> vertices;            // (vertices, 2); the polygon's corners come first
  PlaneArray<std::int32_t> edges;         // (edges, 2) vertices
  PlaneArray<std::int32_t> edge_faces;    // (edges, 2): to the left and to the right
  PlaneArray<std::int32_t> edge_neurons;  // (edges,)
  PlaneArray<std::int64_t> face_ends;     // (faces,): where each one's corners end
  PlaneArray<std::int32_t> face_corners;  // counterclockwise
  PlaneArray<std::uint64_t> bits;         // (faces, words)
  PlaneArray<double> outputs;             // (faces, outputs, 3): value = a x + b y + c
  PlaneArray<std::int32_t> classes;       // (faces,), unless whole
  PlaneArray<double> zeros;               // (neurons,): up to what magnitude a value counts as zero
  double tolerance = 0;                   // that was used: a multiple of the call's where that did not do
};

// Throws std::domain_error where values overflow or no tolerance gives a consistent complex, naming the
// plane; std::bad_alloc past max_bytes.
std::vector<PlaneComplex> cut_planes(const Network<double>& network, const PlaneCall& call);

}  // namespace facetry
