#include "network/bounds.hpp"

#include <algorithm>
#include <cmath>

#include "network/graph.hpp"

namespace facetry {
namespace {

template <class T>
double gain_of(const PlanStep<T>& step, std::size_t j) {
  if (step.kind == PlanStep<T>::Kind::kActivation) return 1;
  if (step.kind == PlanStep<T>::Kind::kScale) return std::abs(static_cast<double>(step.weight[j]));
  double sum = 0;
  for (std::size_t k = 0; k < step.input_width; ++k)
    sum += std::abs(static_cast<double>(step.weight[j * step.input_width + k]));
  return sum;
}

template <class T>
double steepest(const PlanStep<T>& step) {
  double slope = 1;
  if (step.slopes)
    for (std::size_t j = 0; j < step.width; ++j)
      slope = std::max(slope, std::abs(static_cast<double>(step.slopes[j])));
  return slope;
}

}  // namespace

template <class T>
Bounds<T>::Bounds(const Graph<T>& graph, const Kernels& kernels) : kernels_(kernels) {
  double of_points = 1, of_biases = 0;
  for (const PlanStep<T>& step : make_plan(graph).steps) {
    StepBounds bounds;
    bounds.of_points = of_points;
    bounds.of_biases = of_biases;
    bounds.gain = AlignedArray<double>(round_up(step.width, 64));
    bounds.shift = AlignedArray<double>(round_up(step.width, 64));
    double gain = 0, shift = 0;
    for (std::size_t j = 0; j < step.width; ++j) {
      gain = std::max(gain, bounds.gain[j] = gain_of(step, j));
      if (step.bias) shift = std::max(shift, bounds.shift[j] = std::abs(static_cast<double>(step.bias[j])));
    }
    const double slope = steepest(step);
    of_points = slope * gain * of_points;
    of_biases = slope * (gain * of_biases + shift);
    bounds.value_of_points = of_points;
    bounds.value_of_biases = of_biases;
    steps_.push_back(std::move(bounds));
  }
}

template class Bounds<float>;
template class Bounds<double>;

}  // namespace facetry
