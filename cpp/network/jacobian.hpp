// Which rows of the Jacobians a call of neuron_gradients wants, and the methods that make them.
#pragma once

#include <cstddef>
#include <vector>

#include "network/gradients.hpp"
#include "network/plan.hpp"

namespace facetry {

// A row of the value before a step's activation, or (is_output) of the value after it.
struct Target {
  std::size_t step = 0;
  std::size_t row = 0;
  bool is_output = false;
  std::size_t position = 0;  // among the rows of the result
};

// By step, in the order of the call.
template <class T>
std::vector<std::vector<Target>> targets_of(const Plan<T>& plan, const GradientCall<T>& call);

template <class T>
void gradients_by_perturbation(const Network<T>& network, const GradientCall<T>& call);
template <class T>
void gradients_by_dynamic(const Network<T>& network, const GradientCall<T>& call);
template <class T>
void gradients_by_backprop(const Network<T>& network, const GradientCall<T>& call);

// 1, the slope, or 0.
template <class T>
T derivative(const PlanStep<T>& step, std::size_t row, const std::uint64_t* bits) {
  if (step.layer == PlanStep<T>::kNone) return 1;
  if ((bits[step.first_word + row / 64] >> (row % 64)) & 1) return 1;
  return step.slopes ? step.slopes[row] : 0;
}

}  // namespace facetry
