#include "network/graph.hpp"

#include <stdexcept>

namespace facetry {

template <class T>
Graph<T>::Graph(std::size_t input_width) {
  nodes_.push_back({InputOp{}, {}, input_width});
}

template <class T>
const Node<T>& Graph<T>::at(std::size_t node) const {
  if (node >= nodes_.size())
    throw std::invalid_argument("node " + std::to_string(node) + " does not exist: the graph has " +
                                std::to_string(nodes_.size()));
  return nodes_[node];
}

template <class T>
void Graph<T>::require_size(const char* name, std::span<const T> values, std::size_t expected) {
  if (values.size() != expected)
    throw std::invalid_argument(std::string(name) + " has " + std::to_string(values.size()) +
                                " elements, expected " + std::to_string(expected));
}

template <class T>
std::size_t Graph<T>::dense(std::size_t input, std::span<const T> weight, std::span<const T> bias) {
  require_size("weight", weight, bias.size() * at(input).width);
  nodes_.push_back(
      {DenseOp<T>{{weight.begin(), weight.end()}, {bias.begin(), bias.end()}}, {input}, bias.size()});
  return nodes_.size() - 1;
}

template <class T>
std::size_t Graph<T>::scale(std::size_t input, std::span<const T> scale, std::span<const T> shift) {
  const std::size_t width = at(input).width;
  require_size("scale", scale, width);
  require_size("shift", shift, width);
  nodes_.push_back({ScaleOp<T>{{scale.begin(), scale.end()}, {shift.begin(), shift.end()}}, {input}, width});
  return nodes_.size() - 1;
}

template <class T>
std::size_t Graph<T>::activation(std::size_t input, std::span<const T> slopes) {
  const std::size_t width = at(input).width;
  if (!slopes.empty()) require_size("slopes", slopes, width);
  nodes_.push_back({ActivationOp<T>{{slopes.begin(), slopes.end()}}, {input}, width});
  layers_.push_back({nodes_.size() - 1, width, neurons(), words()});
  return nodes_.size() - 1;
}

template <class T>
std::size_t Graph<T>::neurons() const {
  return layers_.empty() ? 0 : layers_.back().first_neuron + layers_.back().width;
}

template <class T>
std::size_t Graph<T>::words() const {
  return layers_.empty() ? 0 : layers_.back().first_word + layers_.back().words();
}

template class Graph<float>;
template class Graph<double>;

}  // namespace facetry
