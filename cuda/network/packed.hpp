// A plan with its parameters packed for the device's tiles, and the sequence of launches that runs a panel of
// rows through it. Both are the same for the device and for its emulation.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/network/fused.hpp"
#include "network/plan.hpp"

namespace facetry::cuda {

template <class T>
struct PackedStep {
  PlanStep<T> plan;
  int across = 0;  // threads across a dense step's tile
  int column_tiles = 0;
  std::int64_t tile_stride = 0;
  std::size_t weights = 0, bias = 0, slopes = 0;  // offsets into the parameters
};

template <class T>
struct Packed {
  explicit Packed(const Plan<T>& plan);

  Plan<T> plan;
  std::vector<PackedStep<T>> steps;
  std::vector<T> parameters;
  std::int64_t stride = 0;  // of a row of a buffer, in elements
  bool is_narrow = false;   // can run as one kernel: see fused.hpp
};

// Rows that go through all steps; null for what is not wanted.
template <class T>
struct Panel {
  std::int64_t rows = 0;
  const T* x = nullptr;
  T* outputs = nullptr;
  T* preactivations = nullptr;
  std::uint64_t* patterns = nullptr;
};

// Rows begin .. begin + rows of a batch.
template <class T>
Panel<T> part(const Plan<T>& plan, const Panel<T>& batch, std::int64_t begin, std::int64_t rows) {
  const auto at = [begin](auto* array, std::size_t width) {
    return array ? array + begin * static_cast<std::int64_t>(width) : nullptr;
  };
  return {rows, at(batch.x, plan.input_width), at(batch.outputs, plan.output_width),
          at(batch.preactivations, plan.neurons), at(batch.patterns, plan.words)};
}

// The tile of a dense step: 128 columns, 64 where that leaves fewer columns empty, 32 for narrow outputs.
// Bits are written by whole words, so steps with neurons take at least 64.
constexpr int tile_across(std::size_t width, bool has_neurons) {
  if (width <= 32 && !has_neurons) return 4;
  return (width + 127) / 128 * 128 - width < 64 ? 16 : 8;
}

template <class T, int Across>
using TileOf = Tile<T, Across, Across == 16 ? 16 : 32>;

// Calls visit with a Tile for `across`.
template <class T, class Visit>
void visit_tile(int across, Visit&& visit) {
  if (across == 16)
    visit(TileOf<T, 16>{});
  else if (across == 8)
    visit(TileOf<T, 8>{});
  else
    visit(TileOf<T, 4>{});
}

// A narrow network's panel is one launch.
template <class T>
FusedCall<T> fused_call(const Packed<T>& packed, const T* parameters, const Panel<T>& panel) {
  const Plan<T>& plan = packed.plan;
  FusedCall<T> call;
  call.rows = panel.rows;
  call.input_width = static_cast<int>(plan.input_width);
  call.count = static_cast<int>(panel.outputs ? packed.steps.size() : plan.steps_to_last_layer);
  call.neurons = static_cast<int>(plan.neurons);
  call.words = static_cast<int>(plan.words);
  call.x = panel.x;
  call.outputs = panel.outputs;
  call.preactivations = panel.preactivations;
  call.patterns = panel.patterns;
  for (int s = 0; s < call.count; ++s) {
    const PackedStep<T>& step = packed.steps[static_cast<std::size_t>(s)];
    call.steps[s] = {parameters + step.weights,
                     parameters + step.bias,
                     step.plan.slopes ? parameters + step.slopes : nullptr,
                     static_cast<int>(step.plan.input_width),
                     static_cast<int>(step.plan.width),
                     step.plan.layer != PlanStep<T>::kNone,
                     static_cast<int>(step.plan.first_neuron),
                     static_cast<int>(step.plan.first_word)};
  }
  return call;
}

// `parameters` and `buffers` (plan.buffers of them, one after the other, rows x stride each) are where the
// launcher's memory is. Launcher: dense<Tile>(blocks, call), map(items, call), copy(to, from, count).
template <class T, class Launcher>
void run_panel(const Packed<T>& packed, const T* parameters, T* buffers, std::size_t buffer_size,
               const Panel<T>& panel, Launcher& launcher) {
  const Plan<T>& plan = packed.plan;
  const std::size_t count = panel.outputs ? packed.steps.size() : plan.steps_to_last_layer;
  for (std::size_t s = 0; s < count; ++s) {
    const PackedStep<T>& step = packed.steps[s];
    const bool is_first = step.plan.from == PlanStep<T>::kNone;
    const T* const input = is_first ? panel.x : buffers + step.plan.from * buffer_size;
    const std::int64_t input_stride = is_first ? static_cast<std::int64_t>(plan.input_width) : packed.stride;
    Finish<T> finish;
    finish.width = static_cast<int>(step.plan.width);
    finish.has_neurons = step.plan.layer != PlanStep<T>::kNone;
    if (step.plan.slopes) finish.slopes = parameters + step.slopes;
    if (s + 1 < packed.steps.size()) {
      finish.values = s + 1 < count ? buffers + step.plan.to * buffer_size : nullptr;
      finish.values_stride = packed.stride;
    } else {
      finish.values = panel.outputs;
      finish.values_stride = static_cast<std::int64_t>(plan.output_width);
    }
    if (finish.has_neurons && panel.preactivations) {
      finish.preactivations = panel.preactivations + step.plan.first_neuron;
      finish.preactivations_stride = static_cast<std::int64_t>(plan.neurons);
    }
    if (finish.has_neurons && panel.patterns) {
      finish.bits = reinterpret_cast<std::uint8_t*>(panel.patterns + step.plan.first_word);
      finish.bits_stride = 8 * static_cast<std::int64_t>(plan.words);
      finish.bit_columns = (finish.width + 63) / 64 * 64;
    }
    if (step.plan.kind == PlanStep<T>::Kind::kDense) {
      const DenseCall<T> call{panel.rows,
                              static_cast<int>(step.plan.input_width),
                              step.column_tiles,
                              input,
                              input_stride,
                              parameters + step.weights,
                              step.tile_stride,
                              parameters + step.bias,
                              finish};
      visit_tile<T>(step.across, [&](auto tile) {
        constexpr int kRows = decltype(tile)::kRows;
        launcher.template dense<decltype(tile)>((panel.rows + kRows - 1) / kRows * step.column_tiles, call);
      });
    } else {
      const bool is_scale = step.plan.kind == PlanStep<T>::Kind::kScale;
      const int columns = finish.bits ? finish.bit_columns : finish.width;
      const MapCall<T> call{panel.rows,
                            (columns + kSide - 1) / kSide,
                            input,
                            input_stride,
                            is_scale ? parameters + step.weights : nullptr,
                            is_scale ? parameters + step.bias : nullptr,
                            finish};
      launcher.map(call.rows * call.groups, call);
    }
  }
  if (packed.steps.empty() && panel.outputs)
    launcher.copy(panel.outputs, panel.x, panel.rows * static_cast<std::int64_t>(plan.input_width));
}

extern template struct Packed<float>;
extern template struct Packed<double>;

}  // namespace facetry::cuda
