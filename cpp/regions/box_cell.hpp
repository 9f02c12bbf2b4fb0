// Cells as vertices and facets, and cutting them in two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned.hpp"
#include "regions/box_layers.hpp"

namespace facetry {

// A polytope by its vertices (or a cone by its rays), each with a mask of the facets it lies on.
struct BoxCell {
  std::size_t count = 0;
  std::size_t words = 1;   // of a mask
  AlignedArray<double> x;  // (count, dimension); with room for more
  AlignedArray<std::uint64_t> masks;
  std::vector<std::uint64_t> used;   // (words,): bits of facets that some vertex lies on
  std::vector<std::int32_t> facets;  // (64 words,), what each bit is: a neuron, or -1 - (a row of the domain)
  bool has_ties = false;             // a vertex has met a hyperplane that it does not count as lying on

  void reserve(std::size_t vertices, std::size_t dimension);
  void copy(const BoxCell& other, std::size_t dimension);
  void find_used();
};

// Cuts cells; scratch of one thread.
class BoxCutter {
 public:
  explicit BoxCutter(const BoxLayers& layers) : layers_(layers) {}
  void cut(const BoxCell& cell, const double* function, double tolerance, std::int32_t facet, BoxCell& low,
           BoxCell& high);

 private:
  const BoxLayers& layers_;
  AlignedArray<double> values_;
  std::vector<std::uint32_t> order_;
  BoxCell wider_;
};

}  // namespace facetry
