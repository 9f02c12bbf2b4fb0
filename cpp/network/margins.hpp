// Margins: the largest ball around a point in which no neuron changes its side (Lee et al. 2019, Propositions
// 5 and 6). Few gradients are needed: those of neurons whose margin can be below a threshold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "network/margin_bounds.hpp"

namespace facetry {

struct MarginCall {
  std::size_t rows = 0;
  DualNorm norm = DualNorm::kEuclidean;
  bool is_certified = false;
  double* radius = nullptr;        // (rows,)
  std::int64_t* neuron = nullptr;  // (rows,), -1: none bounds
  bool* certain = nullptr;         // (rows,), where certified
};

class Margins {
 public:
  // Distances are those of inputs that are divided by `input_scale` before the network; empty: 1.
  // The network must outlive the object.
  Margins(const Network<double>& network, std::vector<double> input_scale);

  const Network<double>& network() const { return network_; }

  // Pre-activations come from `forward`: the network itself, or its float32 twin.
  template <class T>
  void run(const Network<T>& forward, const T* x, const MarginCall& call) const;

  // For the instruction set in force.
  const MarginBounds& bounds() const;

 private:
  const Network<double>& network_;
  std::vector<double> input_scale_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<MarginBounds>> bounds_;
};

extern template void Margins::run(const Network<float>&, const float*, const MarginCall&) const;
extern template void Margins::run(const Network<double>&, const double*, const MarginCall&) const;

}  // namespace facetry
