#include "cuda/network/packed.hpp"

#include <algorithm>

namespace facetry::cuda {
namespace {

// Arrays of parameters start on a cache line.
template <class T>
std::size_t append(std::vector<T>& parameters, std::size_t size) {
  const std::size_t line = 128 / sizeof(T);
  const std::size_t offset = (parameters.size() + line - 1) / line * line;
  parameters.resize(offset + size);
  return offset;
}

template <class T, class Tile>
void pack_dense(Tile, PackedStep<T>& step, std::vector<T>& parameters) {
  const std::size_t width = step.plan.width, depth = step.plan.input_width;
  const std::size_t columns = Tile::kColumns;
  const std::size_t tiles = (width + columns - 1) / columns;
  const std::size_t padded = (depth + Tile::kDepth - 1) / Tile::kDepth * Tile::kDepth;
  step.column_tiles = static_cast<int>(tiles);
  step.tile_stride = static_cast<std::int64_t>(padded * columns);
  step.weights = append(parameters, tiles * padded * columns);
  step.bias = append(parameters, tiles * columns);
  for (std::size_t j = 0; j < width; ++j) {
    const auto slot = static_cast<std::size_t>(Tile::slot(static_cast<int>(j % columns)));
    T* const to = parameters.data() + step.weights + j / columns * padded * columns + slot;
    for (std::size_t k = 0; k < depth; ++k) to[k * columns] = step.plan.weight[j * depth + k];
  }
  std::copy_n(step.plan.bias, width, parameters.data() + step.bias);
}

template <class T>
bool is_narrow_chain(const Plan<T>& plan) {
  const auto narrow = [](const PlanStep<T>& step) {
    return step.kind == PlanStep<T>::Kind::kDense && step.width <= kFusedWidth &&
           step.input_width <= kFusedWidth;
  };
  bool is_chain = !plan.steps.empty() && plan.steps.front().from == PlanStep<T>::kNone;
  for (std::size_t s = 1; s < plan.steps.size(); ++s) is_chain &= plan.steps[s].from == plan.steps[s - 1].to;
  return is_chain && plan.steps.size() <= kFusedSteps && plan.words <= kFusedWords &&
         std::all_of(plan.steps.begin(), plan.steps.end(), narrow);
}

}  // namespace

template <class T>
Packed<T>::Packed(const Plan<T>& given) : plan(given), is_narrow(is_narrow_chain(given)) {
  std::size_t widest = 1;
  for (const PlanStep<T>& planned : plan.steps) {
    PackedStep<T> step;
    step.plan = planned;
    widest = std::max(widest, planned.width);
    if (planned.kind == PlanStep<T>::Kind::kDense) {
      step.across = is_narrow ? 8 : tile_across(planned.width, planned.layer != PlanStep<T>::kNone);
      visit_tile<T>(step.across, [&](auto tile) { pack_dense(tile, step, parameters); });
    }
    if (planned.kind == PlanStep<T>::Kind::kScale) {
      step.weights = append(parameters, planned.width);
      step.bias = append(parameters, planned.width);
      std::copy_n(planned.weight, planned.width, parameters.data() + step.weights);
      std::copy_n(planned.bias, planned.width, parameters.data() + step.bias);
    }
    if (planned.slopes) {
      step.slopes = append(parameters, (planned.width + 127) / 128 * 128);
      std::copy_n(planned.slopes, planned.width, parameters.data() + step.slopes);
    }
    steps.push_back(step);
  }
  const std::size_t vector = Vector<T>::kSize;
  stride = static_cast<std::int64_t>((widest + vector - 1) / vector * vector);
}

template struct Packed<float>;
template struct Packed<double>;

}  // namespace facetry::cuda
