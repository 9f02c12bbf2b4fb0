#include "network/backward.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "network/graph.hpp"

namespace facetry {

template <class T>
Backward<T>::Backward(const Graph<T>& graph, const Kernels& kernels)
    : kernels_(kernels), family_(kernels.dense.of<T>()), plan_(make_plan(graph)) {
  for (const PlanStep<T>& step : plan_.steps) transposes_.push_back(pack(step));
  // A multiple of 64 for the gate, and 16 more so that rows do not share the sets of the first-level cache.
  stride_ = round_up(plan_.widest, std::max<std::size_t>(family_.columns, 64)) + 16;
  zeros_ = AlignedArray<T>(stride_);
}

template <class T>
typename Backward<T>::Transpose Backward<T>::pack(const PlanStep<T>& step) const {
  Transpose packed;
  if (step.kind == PlanStep<T>::Kind::kDense) {
    packed.is_narrow = step.input_width <= family_.narrow;
    const std::size_t columns = packed.is_narrow ? family_.narrow : family_.columns;
    packed.blocks = (step.input_width + columns - 1) / columns;
    packed.weights = AlignedArray<T>(packed.blocks * columns * step.width);
    for (std::size_t j = 0; j < step.width; ++j)
      for (std::size_t k = 0; k < step.input_width; ++k)
        packed.weights[(k / columns * step.width + j) * columns + k % columns] =
            step.weight[j * step.input_width + k];
  }
  if (step.slopes) {
    packed.slopes = AlignedArray<T>(round_up(step.width, 64));
    std::copy_n(step.slopes, step.width, packed.slopes.data());
  }
  return packed;
}

template <class T>
double Backward<T>::work(std::size_t steps) const {
  double work = 0;
  for (std::size_t s = 0; s < steps; ++s)
    if (plan_.steps[s].kind == PlanStep<T>::Kind::kDense)
      work += static_cast<double>(plan_.steps[s].width) * static_cast<double>(plan_.steps[s].input_width);
  return work;
}

template <class T>
void Backward<T>::pull(std::size_t step, const Rows<T>& above, const Rows<T>& below) const {
  const PlanStep<T>& planned = plan_.steps[step];
  if (planned.kind == PlanStep<T>::Kind::kDense) {
    DenseCall<T> call;
    call.rows = above.count;
    call.depth = planned.width;
    call.blocks = transposes_[step].blocks;
    call.is_narrow = transposes_[step].is_narrow;
    call.input = above.values;
    call.input_stride = above.stride;
    call.weights = transposes_[step].weights.data();
    call.bias = zeros_.data();
    call.output = below.values;
    call.output_stride = below.stride;
    family_.dense(call);
    return;
  }
  for (std::size_t i = 0; i < above.count; ++i) {
    const T* from = above.row(i);
    T* to = below.row(i);
    if (planned.kind == PlanStep<T>::Kind::kScale)
      std::transform(from, from + planned.width, planned.weight, to, std::multiplies<T>());
    else if (from != to)
      std::copy_n(from, planned.width, to);
  }
}

template <class T>
void Backward<T>::gate(std::size_t step, const Rows<T>& rows, const std::uint64_t* const* bits) const {
  const PlanStep<T>& planned = plan_.steps[step];
  if (planned.layer == PlanStep<T>::kNone) return;
  const auto& family = kernels_.gradients.template of<T>();
  const T* slopes = planned.slopes ? transposes_[step].slopes.data() : nullptr;
  for (std::size_t i = 0; i < rows.count; ++i)
    family.gate(rows.row(i), planned.width, bits[i] + planned.first_word, slopes);
}

template <class T>
Rows<T> Backward<T>::run(std::size_t steps, Rows<T> above, Rows<T> spare,
                         const std::uint64_t* const* bits) const {
  spare.count = above.count;
  while (steps-- > 0) {
    gate(steps, above, bits);
    const bool in_place = plan_.steps[steps].kind != PlanStep<T>::Kind::kDense;
    pull(steps, above, in_place ? above : spare);
    if (!in_place) std::swap(above, spare);
  }
  return above;
}

template class Backward<float>;
template class Backward<double>;

}  // namespace facetry
