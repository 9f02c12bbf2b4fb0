// A network as a graph of operations in topological order. A new kind of layer adds an operation here, its
// shape rule in graph.cpp and its step in propagate.cpp.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace facetry {

// Node 0; has no operation.
struct InputOp {};

// z = W a + b, W of shape (width, inputs), row-major.
template <class T>
struct DenseOp {
  std::vector<T> weight;
  std::vector<T> bias;
};

// z[i] = fma(scale[i], a[i], shift[i]).
template <class T>
struct ScaleOp {
  std::vector<T> scale;
  std::vector<T> shift;
};

// z > 0 ? z : slope * z, one slope a neuron; no slopes: ReLU.
template <class T>
struct ActivationOp {
  std::vector<T> slopes;
};

template <class T>
struct Node {
  std::variant<InputOp, DenseOp<T>, ScaleOp<T>, ActivationOp<T>> op;
  std::vector<std::size_t> inputs;
  std::size_t width = 0;
};

// The neurons of one activation. Its bits start on a word of their own; the bits past its width are 0.
struct NeuronLayer {
  std::size_t node = 0;
  std::size_t width = 0;
  std::size_t first_neuron = 0;
  std::size_t first_word = 0;
  std::size_t words() const { return (width + 63) / 64; }
};

template <class T>
class Graph {
 public:
  explicit Graph(std::size_t input_width);

  // Each appends a node and returns its number.
  std::size_t dense(std::size_t input, std::span<const T> weight, std::span<const T> bias);
  std::size_t scale(std::size_t input, std::span<const T> scale, std::span<const T> shift);
  std::size_t activation(std::size_t input, std::span<const T> slopes);

  const std::vector<Node<T>>& nodes() const { return nodes_; }
  const std::vector<NeuronLayer>& layers() const { return layers_; }
  std::size_t neurons() const;
  std::size_t words() const;
  std::size_t input_width() const { return nodes_.front().width; }
  std::size_t output_width() const { return nodes_.back().width; }

 private:
  const Node<T>& at(std::size_t node) const;
  static void require_size(const char* name, std::span<const T> values, std::size_t expected);

  std::vector<Node<T>> nodes_;
  std::vector<NeuronLayer> layers_;
};

extern template class Graph<float>;
extern template class Graph<double>;

}  // namespace facetry
