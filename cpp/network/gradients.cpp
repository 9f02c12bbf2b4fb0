#include "network/gradients.hpp"

#include <cstdint>

#include "base/aligned.hpp"
#include "network/graph.hpp"
#include "network/jacobian.hpp"
#include "network/program.hpp"

namespace facetry {
namespace {

template <class T>
double work_of(const PlanStep<T>& step) {
  return static_cast<double>(step.width) * static_cast<double>(step.input_width);
}

// Multiply-adds for one pattern. Half of the neurons are taken to be active.
template <class T>
GradientMethod cheapest(const Network<T>& network, const GradientCall<T>& call) {
  const Plan<T>& plan = network.program().plan();
  const auto targets = targets_of(plan, call);
  const std::size_t block = network.program().kernels().gradients.template of<T>().columns;
  const auto axes = static_cast<double>(call.axes.size());
  double forward = 0, dynamic = 0, backprop = 0, below = 0, passed = 0;
  for (std::size_t s = 0; s < targets.size(); ++s) {
    const double work = plan.steps[s].kind == PlanStep<T>::Kind::kDense ? work_of(plan.steps[s]) : 0;
    passed += work;
    if (!targets[s].empty()) {
      forward = passed * axes;
      dynamic = (passed - below) / 2 * static_cast<double>(round_up(call.axes.size(), block));
      backprop += static_cast<double>(targets[s].size()) * (passed - work);
    }
    if (s == 0) below = passed;
  }
  if (forward <= dynamic && forward <= backprop) return GradientMethod::kPerturbation;
  return dynamic <= backprop ? GradientMethod::kDynamic : GradientMethod::kBackprop;
}

}  // namespace

template <class T>
std::vector<std::vector<Target>> targets_of(const Plan<T>& plan, const GradientCall<T>& call) {
  std::vector<std::vector<Target>> targets(plan.steps.size());
  for (std::size_t position = 0; position < call.neurons.size(); ++position) {
    const auto neuron = static_cast<std::size_t>(call.neurons[position]);
    Target target;
    target.position = position;
    target.is_output = neuron >= plan.neurons;
    for (std::size_t s = 0; s < plan.steps.size(); ++s) {
      const PlanStep<T>& step = plan.steps[s];
      const bool holds = step.layer != PlanStep<T>::kNone && neuron >= step.first_neuron &&
                         neuron < step.first_neuron + step.width;
      if (!target.is_output && holds) target.step = s, target.row = neuron - step.first_neuron;
    }
    if (target.is_output) target.step = plan.steps.size() - 1, target.row = neuron - plan.neurons;
    targets[target.step].push_back(target);
  }
  return targets;
}

template <class T>
void neuron_gradients(const Network<T>& network, const GradientCall<T>& call) {
  if (call.patterns == 0 || call.neurons.empty() || call.axes.empty()) return;
  const GradientMethod method = call.method == GradientMethod::kAuto ? cheapest(network, call) : call.method;
  if (method == GradientMethod::kPerturbation) return gradients_by_perturbation(network, call);
  if (method == GradientMethod::kDynamic) return gradients_by_dynamic(network, call);
  gradients_by_backprop(network, call);
}

template std::vector<std::vector<Target>> targets_of(const Plan<float>&, const GradientCall<float>&);
template std::vector<std::vector<Target>> targets_of(const Plan<double>&, const GradientCall<double>&);
template void neuron_gradients(const Network<float>&, const GradientCall<float>&);
template void neuron_gradients(const Network<double>&, const GradientCall<double>&);

}  // namespace facetry
