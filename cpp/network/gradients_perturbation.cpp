// Unit vectors forward with the pattern fixed: the rows of a panel are the axes of one pattern, or all axes
// of several.
#include <algorithm>
#include <memory>

#include "base/parallel.hpp"
#include "network/graph.hpp"
#include "network/jacobian.hpp"
#include "network/program.hpp"

namespace facetry {
namespace {

template <class T>
class Perturbation {
 public:
  Perturbation(const Network<T>& network, const GradientCall<T>& call)
      : program_(network.program()), plan_(program_.plan()), call_(call), rows_(program_.panel_rows()) {
    block_ = std::min(call.axes.size(), rows_);
    blocks_ = (call.axes.size() + block_ - 1) / block_;
    together_ = blocks_ > 1 ? 1 : rows_ / block_;
    wants_outputs_ = std::any_of(call.neurons.begin(), call.neurons.end(), [&](std::int64_t neuron) {
      return static_cast<std::size_t>(neuron) >= plan_.neurons;
    });
  }

  std::size_t items() const { return (call_.patterns + together_ - 1) / together_ * blocks_; }
  double nanoseconds() const {
    double work = 10;
    for (const PlanStep<T>& step : plan_.steps)
      work += static_cast<double>(step.width) * static_cast<double>(step.input_width);
    const double speed = program_.kernels().dense.template of<T>().speed;
    return work / speed * static_cast<double>(call_.patterns) * static_cast<double>(call_.axes.size());
  }

  struct Scratch {
    typename Program<T>::Scratch panel;
    std::vector<T> units, preactivations, outputs;
  };
  Scratch scratch() const {
    return {program_.scratch(rows_), std::vector<T>(rows_ * plan_.input_width),
            std::vector<T>(rows_ * plan_.neurons),
            std::vector<T>(wants_outputs_ ? rows_ * plan_.output_width : 0)};
  }

  void run(std::size_t item, Scratch& scratch) const {
    const std::size_t first = item / blocks_ * together_;
    const std::size_t axis = item % blocks_ * block_;
    const std::size_t width = std::min(block_, call_.axes.size() - axis);
    Batch<T> batch;
    batch.rows = std::min(together_, call_.patterns - first) * width;
    std::fill(scratch.units.begin(), scratch.units.end(), T{0});
    for (std::size_t row = 0; row < batch.rows; ++row)
      scratch.units[row * plan_.input_width + static_cast<std::size_t>(call_.axes[axis + row % width])] = 1;
    batch.x = scratch.units.data();
    batch.preactivations = scratch.preactivations.data();
    batch.outputs = wants_outputs_ ? scratch.outputs.data() : nullptr;
    batch.frozen = call_.bits + first * plan_.words;
    batch.repeat = width;
    batch.is_tangent = true;
    program_.run_panel(batch, 0, batch.rows, scratch.panel);
    for (std::size_t row = 0; row < batch.rows; ++row)
      take(scratch, row, first + row / width, axis + row % width);
  }

 private:
  // A row holds one axis of every neuron; the result, one neuron's axes.
  void take(const Scratch& scratch, std::size_t row, std::size_t pattern, std::size_t axis) const {
    const std::size_t axes = call_.axes.size();
    T* to = call_.out + pattern * call_.neurons.size() * axes + axis;
    for (std::size_t t = 0; t < call_.neurons.size(); ++t) {
      const auto neuron = static_cast<std::size_t>(call_.neurons[t]);
      to[t * axes] = neuron < plan_.neurons
                         ? scratch.preactivations[row * plan_.neurons + neuron]
                         : scratch.outputs[row * plan_.output_width + neuron - plan_.neurons];
    }
  }

  const Program<T>& program_;
  const Plan<T>& plan_;
  const GradientCall<T>& call_;
  std::size_t rows_ = 0;      // of a panel
  std::size_t block_ = 0;     // axes of an item
  std::size_t blocks_ = 0;    // of axes
  std::size_t together_ = 0;  // patterns of an item
  bool wants_outputs_ = false;
};

}  // namespace

template <class T>
void gradients_by_perturbation(const Network<T>& network, const GradientCall<T>& call) {
  const Perturbation<T> perturbation(network, call);
  parallel_for(perturbation.items(), perturbation.nanoseconds(), [&]() -> Work {
    auto scratch = std::make_shared<typename Perturbation<T>::Scratch>(perturbation.scratch());
    return [&, scratch](std::size_t item) { perturbation.run(item, *scratch); };
  });
}

template void gradients_by_perturbation(const Network<float>&, const GradientCall<float>&);
template void gradients_by_perturbation(const Network<double>&, const GradientCall<double>&);

}  // namespace facetry
