// The linear part of a network backwards, with patterns fixed: rows of cotangents from a step down to the
// points. Every row brings the pattern of its own point.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned.hpp"
#include "base/dispatch.hpp"
#include "network/plan.hpp"

namespace facetry {

// Rows of values, `stride` apart.
template <class T>
struct Rows {
  T* values = nullptr;
  std::size_t stride = 0;
  std::size_t count = 0;
  T* row(std::size_t i) const { return values + i * stride; }
};

template <class T>
class Backward {
 public:
  Backward(const Graph<T>& graph, const Kernels& kernels);

  const Kernels& kernels() const { return kernels_; }
  const Plan<T>& plan() const { return plan_; }
  // Of the rows that run, pull and gate work on, in elements.
  std::size_t stride() const { return stride_; }
  // Multiply-adds for one row through the first so many steps.
  double work(std::size_t steps) const;

  // One step down, from the value before the step's activation to the value that the step reads. The result
  // stands in `below`, for a scale and an activation step in `above` where `below` is the same.
  void pull(std::size_t step, const Rows<T>& above, const Rows<T>& below) const;
  // Multiplies by the derivative of the step's activation, where it has one; row i has the pattern bits[i].
  void gate(std::size_t step, const Rows<T>& rows, const std::uint64_t* const* bits) const;
  // From the value that the first so many steps leave down to the points, in two sets of rows by turns;
  // returns the one that holds the result.
  Rows<T> run(std::size_t steps, Rows<T> above, Rows<T> spare, const std::uint64_t* const* bits) const;

 private:
  struct Transpose {
    std::size_t blocks = 0;
    bool is_narrow = false;
    AlignedArray<T> weights;
    AlignedArray<T> slopes;
  };
  Transpose pack(const PlanStep<T>& step) const;

  const Kernels& kernels_;
  const DenseFamily<T>& family_;
  const Plan<T> plan_;
  std::vector<Transpose> transposes_;
  AlignedArray<T> zeros_;  // the bias of the dense kernel
  std::size_t stride_ = 0;
};

extern template class Backward<float>;
extern template class Backward<double>;

}  // namespace facetry
