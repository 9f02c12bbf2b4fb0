#include "regions/box_geometry.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace facetry {
namespace {

constexpr double kAtInfinity = 1e-12;
constexpr double kFlat = 1e-9;  // of the cell's size: vertices this close span nothing

bool is_on(const BoxCell& cell, std::size_t vertex, std::size_t bit) {
  return bit == ~std::size_t{0} || ((cell.masks[vertex * cell.words + bit / 64] >> (bit % 64)) & 1);
}

// Differences to the first vertex on the facet, or the rays themselves, less what earlier ones span.
std::size_t rank_of(const BoxSpace& space, const BoxCell& cell, std::size_t bit) {
  const std::size_t dimension = space.dimension();
  const double* origin = nullptr;
  double size = space.is_homogeneous ? 1 : 0;
  std::vector<double> basis, v(dimension);
  if (!space.is_homogeneous)
    for (std::size_t i = 1; i < cell.count; ++i)
      for (std::size_t k = 0; k < dimension; ++k)
        size = std::max(size, std::abs(cell.x[i * dimension + k] - cell.x[k]));
  std::size_t rank = 0;
  for (std::size_t i = 0; i < cell.count; ++i) {
    if (!is_on(cell, i, bit)) continue;
    const double* x = cell.x.data() + i * dimension;
    if (!origin && !space.is_homogeneous) {
      origin = x;
      continue;
    }
    for (std::size_t k = 0; k < dimension; ++k) v[k] = x[k] - (origin ? origin[k] : 0);
    for (int pass = 0; pass < 2; ++pass)
      for (std::size_t r = 0; r < rank; ++r) {
        double along = 0;
        for (std::size_t k = 0; k < dimension; ++k) along += basis[r * dimension + k] * v[k];
        for (std::size_t k = 0; k < dimension; ++k) v[k] -= along * basis[r * dimension + k];
      }
    double length = 0;
    for (const double c : v) length += c * c;
    length = std::sqrt(length);
    if (length <= kFlat * size) continue;
    for (const double c : v) basis.push_back(c / length);
    if (++rank == dimension) break;
  }
  return rank;
}

}  // namespace

void center_of(const BoxSpace& space, const BoxCell& cell, std::size_t bit, double* center) {
  const std::size_t inputs = space.inputs, dimension = space.dimension();
  std::fill_n(center, inputs, 0.0);
  std::size_t points = 0;
  double size = 1;
  for (std::size_t i = 0; i < cell.count; ++i) {
    const double* x = cell.x.data() + i * dimension;
    const double w = space.is_homogeneous ? x[inputs] : 1;
    if (!is_on(cell, i, bit) || w <= kAtInfinity) continue;
    ++points;
    for (std::size_t k = 0; k < inputs; ++k) {
      center[k] += x[k] / w;
      size = std::max(size, std::abs(x[k] / w));
    }
  }
  for (std::size_t k = 0; k < inputs; ++k) center[k] /= static_cast<double>(std::max<std::size_t>(points, 1));
  if (!space.is_homogeneous) return;
  for (std::size_t i = 0; i < cell.count; ++i) {
    const double* x = cell.x.data() + i * dimension;
    if (!is_on(cell, i, bit) || x[inputs] > kAtInfinity) continue;
    for (std::size_t k = 0; k < inputs; ++k) center[k] += size * x[k];
  }
}

bool is_facet(const BoxSpace& space, const BoxCell& cell, std::size_t bit) {
  return rank_of(space, cell, bit) + 1 >= rank_of(space, cell, ~std::size_t{0});
}

}  // namespace facetry
