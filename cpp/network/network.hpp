// An immutable network ready to run: its graph, and the graph packed for each instruction set in use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/dispatch.hpp"
#include "network/graph.hpp"

namespace facetry {

// What one call wants of `rows` points; null for what it does not want. All arrays are C-contiguous.
template <class T>
struct Batch {
  std::size_t rows = 0;
  const T* x = nullptr;               // (rows, input width)
  T* outputs = nullptr;               // (rows, output width)
  T* preactivations = nullptr;        // (rows, neurons)
  std::uint64_t* patterns = nullptr;  // (rows, words)

  // Patterns that decide instead of the signs (rows / repeat, words): row r has pattern r / repeat. The
  // network is then affine; for tangents, its linear part.
  const std::uint64_t* frozen = nullptr;
  std::size_t repeat = 1;
  bool is_tangent = false;
};

template <class T>
class Backward;
template <class T>
class Bounds;
template <class T>
class Program;

template <class T>
class Network {
 public:
  explicit Network(Graph<T> graph);
  ~Network();

  const Graph<T>& graph() const { return graph_; }

  // Throws std::invalid_argument naming the first element of x that is NaN or infinite.
  void propagate(const Batch<T>& batch) const;

  // For the instruction set in force, made on first use.
  const Program<T>& program() const;
  const Backward<T>& backward() const;
  const Bounds<T>& bounds() const;

 private:
  template <class Made>
  const Made& made(std::vector<std::unique_ptr<Made>>& all) const;

  Graph<T> graph_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Program<T>>> programs_;  // one an instruction set
  mutable std::vector<std::unique_ptr<Backward<T>>> backwards_;
  mutable std::vector<std::unique_ptr<Bounds<T>>> bounds_;
};

extern template class Network<float>;
extern template class Network<double>;

}  // namespace facetry
