// How large the sums of each step can get, from the weights alone: an upper bound that costs nothing a point.
#pragma once

#include <cstddef>
#include <vector>

#include "base/aligned.hpp"
#include "base/dispatch.hpp"
#include "network/plan.hpp"

namespace facetry {

// Where the points are at most `size` in the maximum norm and the biases count `h` times, the terms of value
// j of a step add up to at most gain[j] * (of_points * size + of_biases * h) + shift[j] * h in absolute
// values.
struct StepBounds {
  AlignedArray<double> gain;  // of the row in the 1-norm; 1 for an activation alone
  AlignedArray<double> shift;
  double of_points = 1;  // the bound on what the step reads, the largest one of its values
  double of_biases = 0;
  double value_of_points = 1;  // and on what it gives
  double value_of_biases = 0;
};

template <class T>
class Bounds {
 public:
  Bounds(const Graph<T>& graph, const Kernels& kernels);

  const Kernels& kernels() const { return kernels_; }
  const std::vector<StepBounds>& steps() const { return steps_; }

 private:
  const Kernels& kernels_;
  std::vector<StepBounds> steps_;
};

extern template class Bounds<float>;
extern template class Bounds<double>;

}  // namespace facetry
