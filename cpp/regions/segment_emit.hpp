// The template member of SegmentWalk that both of its files use.
#pragma once

#include "regions/segment_walk.hpp"

namespace facetry {

template <class Place>
void SegmentWalk::emit(std::size_t s, Layer& layer, std::size_t vertex, const double* left, Place place) {
  const Step& step = steps_[s];
  const auto first_neuron = static_cast<std::uint32_t>(step.first_neuron);
  double* row = new_row(s, vertices_.place(vertex));
  if (row) {
    kernel_.activated(left, left, 0, slopes_of(step), step.width, row);
    clear_zeros(layer.left, layer.left, step.width, row);
  }
  for (const std::uint32_t neuron : vertices_.flips(vertex)) next_.flip(neuron);
  layer.splitter.flips_before([&](std::uint32_t j) { next_.flip(first_neuron + j); });
  for (const InnerVertex& inner : layer.splitter.inner()) {
    double* inside = new_row(s, inner.u);
    if (inside) {
      place(inner.u, inside);
      clear_zeros(layer.left, layer.right, step.width, inside);
    }
    for (const Crossing& crossing : inner.crossings) {
      next_.flip(first_neuron + crossing.neuron);
      if (inside) inside[crossing.neuron] = 0;
    }
  }
}

}  // namespace facetry
