#include "network/program.hpp"

#include <algorithm>

namespace facetry {
namespace {

// The widest value of a panel stays in the second-level cache. Not critical: at 784 inputs, panels of 14, 98
// and 518 rows ran at 111, 113 and 112 GFLOP/s a core (Zen 4).
constexpr std::size_t kPanelBytes = 400 * 1024;
constexpr std::size_t kPanelBlocks = 16;

// Rows a page apart share the sets of the first-level cache, and a register block reads up to 14 rows at a
// time: 1024 float32 inputs ran at 79 GFLOP/s instead of 101. Buffers are padded, points with such a stride
// copied.
constexpr std::size_t kBadStride = 2048;
constexpr std::size_t kPadding = 16;

}  // namespace

template <class T>
Program<T>::Program(const Graph<T>& graph, const Kernels& kernels)
    : graph_(graph), kernels_(kernels), family_(kernels.dense.of<T>()), plan_(make_plan(graph)) {
  for (const PlanStep<T>& step : plan_.steps) steps_.push_back(pack(step));
  for (const Step<T>& step : steps_)
    if (step.packed_bias.size() > zeros_.size()) zeros_ = AlignedArray<T>(step.packed_bias.size());
  stride_ = round_up(plan_.widest, std::max<std::size_t>(family_.columns, 64)) + kPadding;
  copies_points_ = plan_.input_width * sizeof(T) % kBadStride == 0;
  const std::size_t blocks = kPanelBytes / (plan_.widest * sizeof(T) * family_.rows);
  panel_rows_ = family_.rows * std::clamp<std::size_t>(blocks, 1, kPanelBlocks);
}

template <class T>
Step<T> Program<T>::pack(const PlanStep<T>& planned) const {
  Step<T> step;
  static_cast<PlanStep<T>&>(step) = planned;
  const std::size_t width = step.width;
  if (step.kind == Step<T>::Kind::kDense) {
    step.is_narrow = width <= family_.narrow;
    const std::size_t columns = step.is_narrow ? family_.narrow : family_.columns;
    step.blocks = (width + columns - 1) / columns;
    step.packed_bias = AlignedArray<T>(step.blocks * columns);
    step.packed_weights = AlignedArray<T>(step.blocks * columns * step.input_width);
    for (std::size_t j = 0; j < width; ++j) {
      T* block = step.packed_weights.data() + j / columns * columns * step.input_width;
      for (std::size_t k = 0; k < step.input_width; ++k)
        block[k * columns + j % columns] = step.weight[j * step.input_width + k];
    }
    std::copy_n(step.bias, width, step.packed_bias.data());
  }
  if (step.kind == Step<T>::Kind::kScale) {
    step.blocks = width;
    step.packed_weights = AlignedArray<T>(width);
    step.packed_bias = AlignedArray<T>(width);
    std::copy_n(step.weight, width, step.packed_weights.data());
    std::copy_n(step.bias, width, step.packed_bias.data());
  }
  if (step.slopes) {
    step.packed_slopes = AlignedArray<T>(round_up(width, 64) + family_.columns);
    std::copy_n(step.slopes, width, step.packed_slopes.data());
  }
  return step;
}

template <class T>
typename Program<T>::Scratch Program<T>::scratch(std::size_t rows) const {
  Scratch scratch;
  for (std::size_t i = 0; i < plan_.buffers; ++i) scratch.buffers.emplace_back(rows * stride_);
  if (copies_points_) scratch.copy = AlignedArray<T>(rows * (plan_.input_width + kPadding));
  scratch.bits = AlignedArray<std::uint64_t>(stride_ / 64 + 1);
  return scratch;
}

template <class T>
void Program<T>::place_points(const Batch<T>& batch, std::size_t begin, std::size_t rows,
                              Scratch& scratch) const {
  const std::size_t width = plan_.input_width;
  scratch.points = batch.x + begin * width;
  scratch.points_stride = width;
  if (!copies_points_) return;
  scratch.points_stride = width + kPadding;
  for (std::size_t row = 0; row < rows; ++row)
    std::copy_n(scratch.points + row * width, width, scratch.copy.data() + row * scratch.points_stride);
  scratch.points = scratch.copy.data();
}

template <class T>
void Program<T>::run_panel(const Batch<T>& batch, std::size_t begin, std::size_t rows,
                           Scratch& scratch) const {
  if (batch.patterns)
    std::fill_n(batch.patterns + begin * graph_.words(), rows * graph_.words(), std::uint64_t{0});
  place_points(batch, begin, rows, scratch);
  const std::size_t count = batch.outputs ? steps_.size() : plan_.steps_to_last_layer;
  for (std::size_t s = 0; s < count; ++s) {
    switch (steps_[s].kind) {
      case Step<T>::Kind::kDense:
        run_dense(steps_[s], batch, begin, rows, scratch);
        break;
      case Step<T>::Kind::kScale:
        run_scale(steps_[s], batch, begin, rows, scratch);
        break;
      case Step<T>::Kind::kActivation:
        run_activation(steps_[s], batch, begin, rows, scratch);
        break;
    }
  }
  if (!batch.outputs) return;
  const std::size_t width = graph_.output_width();
  const T* values = scratch.buffers[steps_.back().to].data();
  for (std::size_t row = 0; row < rows; ++row)
    std::copy_n(values + row * stride_, width, batch.outputs + (begin + row) * width);
}

template <class T>
void Program<T>::run_dense(const Step<T>& step, const Batch<T>& batch, std::size_t begin, std::size_t rows,
                           Scratch& scratch) const {
  const bool has_neurons = step.layer != Step<T>::kNone;
  const bool separately = !has_neurons || batch.preactivations || batch.frozen;
  DenseCall<T> call = call_of(step, batch, begin, rows, scratch);
  if (separately) call.activation = Activation::kNone;
  family_.dense(call);
  if (has_neurons && separately) run_activation(step, batch, begin, rows, scratch);
}

template <class T>
void Program<T>::run_scale(const Step<T>& step, const Batch<T>& batch, std::size_t begin, std::size_t rows,
                           Scratch& scratch) const {
  family_.scale(call_of(step, batch, begin, rows, scratch));
}

template <class T>
void Program<T>::run_activation(const Step<T>& step, const Batch<T>& batch, std::size_t begin,
                                std::size_t rows, Scratch& scratch) const {
  const NeuronLayer& layer = graph_.layers()[step.layer];
  T* values = scratch.buffers[step.to].data();
  DenseCall<T> call = call_of(step, batch, begin, rows, scratch);
  call.blocks = step.width;
  if (step.kind == Step<T>::Kind::kActivation)
    for (std::size_t row = 0; row < rows; ++row)
      std::copy_n(call.input + row * call.input_stride, step.width, values + row * stride_);
  if (batch.preactivations)
    for (std::size_t row = 0; row < rows; ++row)
      std::copy_n(values + row * stride_, step.width,
                  batch.preactivations + (begin + row) * graph_.neurons() + layer.first_neuron);
  if (batch.frozen)
    gate(step, batch, begin, rows, scratch);
  else
    family_.activate(call);
}

template <class T>
void Program<T>::gate(const Step<T>& step, const Batch<T>& batch, std::size_t begin, std::size_t rows,
                      Scratch& scratch) const {
  const auto& family = kernels_.gradients.template of<T>();
  const T* slopes = step.slopes ? step.packed_slopes.data() : nullptr;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::uint64_t* bits = batch.frozen + (begin + row) / batch.repeat * plan_.words + step.first_word;
    family.gate(scratch.buffers[step.to].data() + row * stride_, step.width, bits, slopes);
  }
}

template <class T>
DenseCall<T> Program<T>::call_of(const Step<T>& step, const Batch<T>& batch, std::size_t begin,
                                 std::size_t rows, Scratch& scratch) const {
  DenseCall<T> call;
  call.rows = rows;
  call.depth = step.input_width;
  call.blocks = step.blocks;
  call.is_narrow = step.is_narrow;
  call.weights = step.packed_weights.data();
  call.bias = batch.is_tangent ? zeros_.data() : step.packed_bias.data();
  const bool from_points = step.from == Step<T>::kNone;
  call.input = from_points ? scratch.points : scratch.buffers[step.from].data();
  call.input_stride = from_points ? scratch.points_stride : stride_;
  call.output = scratch.buffers[step.to].data();
  call.output_stride = stride_;
  if (step.layer == Step<T>::kNone) return call;
  call.activation = step.slopes ? Activation::kSlopes : Activation::kRelu;
  call.slopes = step.packed_slopes.data();
  const std::size_t words = graph_.words();
  std::uint64_t* bits = batch.patterns
                            ? batch.patterns + begin * words + graph_.layers()[step.layer].first_word
                            : scratch.bits.data();
  call.bits = reinterpret_cast<std::uint8_t*>(bits);
  call.bits_stride = batch.patterns ? words * sizeof(std::uint64_t) : 0;
  return call;
}

template class Program<float>;
template class Program<double>;

}  // namespace facetry
