// A graph as a list of steps: activations joined to the dense step before them, and buffers shared by values
// that are not alive at the same time. Plain enough for CUDA files, which are C++17.
#pragma once

#include <cstddef>
#include <vector>

namespace facetry {

template <class T>
class Graph;

template <class T>
struct PlanStep {
  static constexpr std::size_t kNone = ~std::size_t{0};
  enum class Kind { kDense, kScale, kActivation };

  Kind kind = Kind::kActivation;
  std::size_t node = 0;      // whose value the step leaves in `to`
  std::size_t from = kNone;  // buffer read; kNone: the points themselves
  std::size_t to = 0;        // buffer written
  std::size_t input_width = 0;
  std::size_t width = 0;
  std::size_t layer = kNone;     // the neurons that the step decides, if any,
  std::size_t first_neuron = 0;  // and where they stand in a row of neurons
  std::size_t first_word = 0;    // and in a row of bits
  const T* weight = nullptr;  // the graph's: (width, input_width) of a dense step, (width,) of a scale step
  const T* bias = nullptr;    // (width,), the shift of a scale step
  const T* slopes = nullptr;  // (width,); none: ReLU, or no neurons
};

template <class T>
struct Plan {
  std::vector<PlanStep<T>> steps;
  std::size_t steps_to_last_layer = 0;  // patterns need no more than these
  std::size_t buffers = 0;
  std::size_t widest = 1;  // of all values
  std::size_t input_width = 0;
  std::size_t output_width = 0;
  std::size_t neurons = 0;
  std::size_t words = 0;
};

// The plan points into the graph.
template <class T>
Plan<T> make_plan(const Graph<T>& graph);

extern template Plan<float> make_plan(const Graph<float>&);
extern template Plan<double> make_plan(const Graph<double>&);

}  // namespace facetry
