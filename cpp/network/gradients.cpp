#include "network/gradients.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>

#include "base/parallel.hpp"
#include "network/backward.hpp"
#include "network/graph.hpp"
#include "network/jacobian.hpp"
#include "network/program.hpp"

namespace facetry {
namespace {

constexpr std::size_t kPanelRows = 112;  // of backward passes: a panel stays in the second-level cache

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

// Rows of cotangents of one thread.
template <class T>
struct Cotangents {
  explicit Cotangents(const Backward<T>& backward)
      : first(kPanelRows * backward.stride()), second(first.size()), bits(kPanelRows) {}
  Rows<T> rows(const Backward<T>& backward, std::size_t count) {
    return {first.data(), backward.stride(), count};
  }
  Rows<T> spare(const Backward<T>& backward) { return {second.data(), backward.stride(), 0}; }

  AlignedArray<T> first, second;
  std::vector<const std::uint64_t*> bits;
};

// `fill(values, i)` writes row i of the value that the first so many steps leave, and gives its pattern;
// `take(rows, i)` gets the results of rows i, i + 1, ...
template <class T, class Fill, class Take>
void run_backward(const Backward<T>& backward, std::size_t steps, std::size_t count, const Fill& fill,
                  const Take& take) {
  const std::size_t items = (count + kPanelRows - 1) / kPanelRows;
  const double speed = backward.kernels().dense.template of<T>().speed;
  const double nanoseconds = (backward.work(steps) / speed + 20) * static_cast<double>(count);
  parallel_for(items, nanoseconds, [&]() -> Work {
    auto cotangents = std::make_shared<Cotangents<T>>(backward);
    return [&, cotangents](std::size_t item) {
      const std::size_t begin = item * kPanelRows;
      const Rows<T> rows = cotangents->rows(backward, std::min(kPanelRows, count - begin));
      for (std::size_t i = 0; i < rows.count; ++i) cotangents->bits[i] = fill(rows.row(i), begin + i);
      take(backward.run(steps, rows, cotangents->spare(backward), cotangents->bits.data()), begin);
    };
  });
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
void gradients_by_perturbation(const Network<T>& network, const GradientCall<T>& call) {
  const Program<T>& program = network.program();
  const Plan<T>& plan = program.plan();
  const auto targets = targets_of(plan, call);
  const std::size_t axes = call.axes.size();
  const std::size_t rows = program.panel_rows();
  const std::size_t block = std::min(axes, rows);  // of axes
  const std::size_t blocks = (axes + block - 1) / block;
  const std::size_t together = blocks > 1 ? 1 : rows / block;  // patterns of an item
  const std::size_t items = (call.patterns + together - 1) / together * blocks;
  const bool wants_outputs = call.neurons.size() > 0 &&
                             std::any_of(call.neurons.begin(), call.neurons.end(), [&](std::int64_t neuron) {
                               return static_cast<std::size_t>(neuron) >= plan.neurons;
                             });
  double work = 0;
  for (const auto& step : plan.steps) work += work_of(step);
  const double nanoseconds = work / program.kernels().dense.template of<T>().speed *
                             static_cast<double>(call.patterns) * static_cast<double>(axes);

  struct Scratch {
    typename Program<T>::Scratch panel;
    std::vector<T> units, preactivations, outputs;
  };
  parallel_for(items, nanoseconds, [&]() -> Work {
    auto scratch = std::make_shared<Scratch>();
    scratch->panel = program.scratch(rows);
    scratch->units.resize(rows * plan.input_width);
    scratch->preactivations.resize(rows * plan.neurons);
    scratch->outputs.resize(wants_outputs ? rows * plan.output_width : 0);
    return [&, scratch](std::size_t item) {
      const std::size_t first = item / blocks * together;
      const std::size_t count = std::min(together, call.patterns - first);
      const std::size_t axis = item % blocks * block;
      const std::size_t width = std::min(block, axes - axis);
      std::fill(scratch->units.begin(), scratch->units.end(), T{0});
      for (std::size_t row = 0; row < count * width; ++row)
        scratch->units[row * plan.input_width + static_cast<std::size_t>(call.axes[axis + row % width])] = 1;
      Batch<T> batch;
      batch.rows = count * width;
      batch.x = scratch->units.data();
      batch.preactivations = scratch->preactivations.data();
      batch.outputs = wants_outputs ? scratch->outputs.data() : nullptr;
      batch.frozen = call.bits + first * plan.words;
      batch.repeat = width;
      batch.is_tangent = true;
      program.run_panel(batch, 0, batch.rows, scratch->panel);
      for (std::size_t row = 0; row < batch.rows; ++row) {
        T* to = call.out + (first + row / width) * call.neurons.size() * axes + axis + row % width;
        const T* before = scratch->preactivations.data() + row * plan.neurons;
        for (std::size_t t = 0; t < call.neurons.size(); ++t) {
          const auto neuron = static_cast<std::size_t>(call.neurons[t]);
          to[t * axes] = neuron < plan.neurons
                             ? before[neuron]
                             : scratch->outputs[row * plan.output_width + neuron - plan.neurons];
        }
      }
    };
  });
}

// Writes a row of the derivative of one step.
template <class T>
void seed(const PlanStep<T>& step, std::size_t row, T factor, T* values) {
  if (step.kind == PlanStep<T>::Kind::kDense) {
    const T* weights = step.weight + row * step.input_width;
    std::transform(weights, weights + step.input_width, values, [&](T weight) { return factor * weight; });
    return;
  }
  std::fill_n(values, step.width, T{0});
  values[row] = step.kind == PlanStep<T>::Kind::kScale ? factor * step.weight[row] : factor;
}

template <class T>
void gradients_by_backprop(const Network<T>& network, const GradientCall<T>& call) {
  const Backward<T>& backward = network.backward();
  const Plan<T>& plan = backward.plan();
  const auto targets = targets_of(plan, call);
  for (std::size_t s = 0; s < targets.size(); ++s) {
    if (targets[s].empty()) continue;
    const std::size_t count = targets[s].size();
    const auto fill = [&](T* values, std::size_t i) {
      const Target& target = targets[s][i % count];
      const std::uint64_t* bits = call.bits + i / count * plan.words;
      seed(plan.steps[s], target.row, target.is_output ? derivative(plan.steps[s], target.row, bits) : T{1},
           values);
      return bits;
    };
    const auto take = [&](const Rows<T>& rows, std::size_t begin) {
      for (std::size_t i = 0; i < rows.count; ++i) {
        const Target& target = targets[s][(begin + i) % count];
        const std::size_t row = (begin + i) / count * call.neurons.size() + target.position;
        for (std::size_t c = 0; c < call.axes.size(); ++c)
          call.out[row * call.axes.size() + c] = rows.row(i)[call.axes[c]];
      }
    };
    run_backward(backward, s, call.patterns * count, fill, take);
  }
}

template <class T>
void pull_back(const Network<T>& network, std::size_t rows, std::size_t repeat, const std::uint64_t* bits,
               const T* cotangents, T* out) {
  const Backward<T>& backward = network.backward();
  const Plan<T>& plan = backward.plan();
  const auto fill = [&](T* values, std::size_t i) {
    std::copy_n(cotangents + i * plan.output_width, plan.output_width, values);
    return bits + i / repeat * plan.words;
  };
  const auto take = [&](const Rows<T>& result, std::size_t begin) {
    for (std::size_t i = 0; i < result.count; ++i)
      std::copy_n(result.row(i), plan.input_width, out + (begin + i) * plan.input_width);
  };
  run_backward(backward, plan.steps.size(), rows, fill, take);
}

template <class T>
void neuron_gradients(const Network<T>& network, const GradientCall<T>& call) {
  if (call.patterns == 0 || call.neurons.empty() || call.axes.empty()) return;
  const GradientMethod method = call.method == GradientMethod::kAuto ? cheapest(network, call) : call.method;
  if (method == GradientMethod::kPerturbation) return gradients_by_perturbation(network, call);
  if (method == GradientMethod::kDynamic) return gradients_by_dynamic(network, call);
  gradients_by_backprop(network, call);
}

template void neuron_gradients(const Network<float>&, const GradientCall<float>&);
template void neuron_gradients(const Network<double>&, const GradientCall<double>&);
template void pull_back(const Network<float>&, std::size_t, std::size_t, const std::uint64_t*, const float*,
                        float*);
template void pull_back(const Network<double>&, std::size_t, std::size_t, const std::uint64_t*, const double*,
                        double*);

}  // namespace facetry
