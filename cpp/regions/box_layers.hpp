// A network as it is cut up in boxes: dense links between layers of neurons, in blocks of functions of the
// domain's coordinates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned.hpp"
#include "base/dispatch.hpp"
#include "network/network.hpp"

namespace facetry {

// What leads from one layer of neurons to the next, as one matrix (outputs, inputs) and its shift.
struct BoxLink {
  std::size_t inputs = 0, outputs = 0;
  std::vector<double> matrix, shift;
};

struct BoxLayer {
  std::size_t width = 0, blocks = 0;
  std::size_t first_neuron = 0, first_word = 0;
  std::vector<double> slopes;       // (width,)
  AlignedArray<double> tolerances;  // a value of at most this counts as zero
  AlignedArray<double> weights;     // from the layer before: a padded row an input
  AlignedArray<double> base;        // the shift as functions; of the first layer, its functions
};

// The links before each layer of neurons, and the one to the outputs.
std::vector<BoxLink> box_links(const Network<double>& network);

// Points are x; or, in homogeneous coordinates, rays (x, w), which stand for the point x / w, and where w = 0
// for the direction x.
struct BoxSpace {
  std::size_t inputs = 0;
  bool is_homogeneous = false;
  std::vector<double> extent;  // (inputs,), of coordinates in magnitude; of rays 1

  std::size_t dimension() const { return inputs + (is_homogeneous ? 1 : 0); }
};

struct BoxLayers {
  BoxSpace space;
  std::size_t words = 0;  // of a pattern, that of a cut by the output included
  std::vector<BoxLayer> layers;
  const BoxFamily* kernels = nullptr;

  std::size_t dimension() const { return space.dimension(); }
};

// With has_output the network's single output is one more layer, of one neuron.
// Throws std::domain_error where values overflow.
BoxLayers make_box_layers(const Network<double>& network, const std::vector<BoxLink>& links, BoxSpace space,
                          bool has_output);

}  // namespace facetry
