// A network as it is walked on planes: layers of neurons, and between them links, which are affine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned.hpp"
#include "kernels/plane.hpp"
#include "network/network.hpp"
#include "network/plan.hpp"

namespace facetry {

// The affine steps between two layers of neurons, before the first one, or after the last one.
struct PlaneLink {
  std::vector<const PlanStep<double>*> steps;
  std::size_t inputs = 0, outputs = 0;
  std::size_t blocks = 0;  // of the functions that it gives
  // A single dense step can be followed neuron by neuron: its weights, a padded row an input, and its bias as
  // blocks of functions. Empty for other links, which are followed as a whole.
  AlignedArray<double> weights, bias;

  bool is_additive() const { return bias.size() > 0; }
};

struct PlaneLayer {
  std::size_t width = 0, blocks = 0;
  std::size_t first_neuron = 0, first_word = 0;
  const double* slopes = nullptr;  // none: ReLU

  double slope(std::size_t neuron) const { return slopes ? slopes[neuron] : 0; }
};

// The coordinates in which a plane is cut: inputs are origin + x u + y v, each array (inputs,).
struct PlaneFrame {
  const double *origin = nullptr, *u = nullptr, *v = nullptr;
};

class PlaneNetwork {
 public:
  explicit PlaneNetwork(const Network<double>& network);

  // links[i] leads to layers[i]; the last link leads to the outputs.
  std::vector<PlaneLayer> layers;
  std::vector<PlaneLink> links;
  std::size_t input_width, output_width, neurons, words;

  // Scratch of one thread for whole links.
  struct Rows {
    AlignedArray<double> now, next;
    std::vector<std::uint32_t> all;
  };

  // The functions that a link gives of the inputs on a plane.
  void enter(const PlaneFrame& frame, Rows& rows, double* functions) const;
  // The functions that the link after a layer gives, of the layer's functions and signs: a bit a neuron.
  void follow(std::size_t layer, const double* functions, const std::uint64_t* bits, Rows& rows,
              double* next) const;

  // For every layer, and at the end for the outputs: up to what magnitude a neuron's terms add up on a plane,
  // so how large a rounding error can be. `values` (points, neurons) are pre-activations at points of the
  // plane.
  std::vector<AlignedArray<double>> scales(const PlaneFrame& frame, std::size_t points,
                                           const double* values) const;

 private:
  void run(const PlaneLink& link, Rows& rows, double* functions) const;
  Rows& prepare(Rows& rows) const;

  const GradientFamily<double>& family_;
  std::size_t widest_ = 1;
};

}  // namespace facetry
