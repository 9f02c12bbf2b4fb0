// Rows of cotangents backwards: one a neuron and pattern, or the caller's.
#include <algorithm>
#include <memory>

#include "base/parallel.hpp"
#include "network/backward.hpp"
#include "network/graph.hpp"
#include "network/jacobian.hpp"

namespace facetry {
namespace {

constexpr std::size_t kPanelRows = 112;  // a panel stays in the second-level cache

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

}  // namespace

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

template void gradients_by_backprop(const Network<float>&, const GradientCall<float>&);
template void gradients_by_backprop(const Network<double>&, const GradientCall<double>&);
template void pull_back(const Network<float>&, std::size_t, std::size_t, const std::uint64_t*, const float*,
                        float*);
template void pull_back(const Network<double>&, std::size_t, std::size_t, const std::uint64_t*, const double*,
                        double*);

}  // namespace facetry
