#include "network/program.hpp"

#include <algorithm>

namespace facetry {
namespace {

// The widest value of a panel stays in the second-level cache: 14..224 rows ran level at 784 inputs
// (bench/bench_network.py), larger panels were up to 20 % slower.
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
    : graph_(graph), kernels_(kernels), family_(kernels.dense.of<T>()) {
  compile();
  assign_buffers();
  std::size_t widest = 1;
  for (const Node<T>& node : graph.nodes()) widest = std::max(widest, node.width);
  stride_ = round_up(widest, std::max<std::size_t>(family_.columns, 64)) + kPadding;
  copies_points_ = graph.input_width() * sizeof(T) % kBadStride == 0;
  const std::size_t blocks = kPanelBytes / (widest * sizeof(T) * family_.rows);
  panel_rows_ = family_.rows * std::clamp<std::size_t>(blocks, 1, kPanelBlocks);
}

template <class T>
void Program<T>::compile() {
  const auto& nodes = graph_.nodes();
  for (std::size_t node = 1; node < nodes.size(); ++node) {
    if (const auto* dense = std::get_if<DenseOp<T>>(&nodes[node].op)) add_dense(node, *dense);
    if (const auto* scale = std::get_if<ScaleOp<T>>(&nodes[node].op)) add_scale(node, *scale);
    if (const auto* activation = std::get_if<ActivationOp<T>>(&nodes[node].op))
      add_activation(node, *activation);
    if (steps_.back().layer != Step<T>::kNone) steps_to_last_layer_ = steps_.size();
  }
}

template <class T>
void Program<T>::add_dense(std::size_t node, const DenseOp<T>& op) {
  Step<T> step;
  step.node = node;
  step.kind = Step<T>::Kind::kDense;
  step.width = op.bias.size();
  step.input_width = graph_.nodes()[graph_.nodes()[node].inputs[0]].width;
  step.is_narrow = step.width <= family_.narrow;
  const std::size_t columns = step.is_narrow ? family_.narrow : family_.columns;
  step.blocks = (step.width + columns - 1) / columns;
  step.bias = AlignedArray<T>(step.blocks * columns);
  std::copy(op.bias.begin(), op.bias.end(), step.bias.data());
  step.weights = AlignedArray<T>(step.blocks * columns * step.input_width);
  for (std::size_t j = 0; j < step.width; ++j) {
    T* block = step.weights.data() + j / columns * columns * step.input_width;
    for (std::size_t k = 0; k < step.input_width; ++k)
      block[k * columns + j % columns] = op.weight[j * step.input_width + k];
  }
  steps_.push_back(std::move(step));
}

template <class T>
void Program<T>::add_scale(std::size_t node, const ScaleOp<T>& op) {
  Step<T> step;
  step.node = node;
  step.kind = Step<T>::Kind::kScale;
  step.width = step.input_width = step.blocks = op.scale.size();
  step.weights = AlignedArray<T>(step.width);
  step.bias = AlignedArray<T>(step.width);
  std::copy(op.scale.begin(), op.scale.end(), step.weights.data());
  std::copy(op.shift.begin(), op.shift.end(), step.bias.data());
  steps_.push_back(std::move(step));
}

// The activation joins the dense step before it when nothing else reads that step's value.
template <class T>
void Program<T>::add_activation(std::size_t node, const ActivationOp<T>& op) {
  const auto& nodes = graph_.nodes();
  const std::size_t input = nodes[node].inputs[0];
  const auto readers = std::count_if(nodes.begin(), nodes.end(), [&](const Node<T>& other) {
    return std::find(other.inputs.begin(), other.inputs.end(), input) != other.inputs.end();
  });
  const bool joins = !steps_.empty() && steps_.back().node == input &&
                     steps_.back().kind == Step<T>::Kind::kDense && readers == 1;
  if (!joins) {
    steps_.emplace_back();
    steps_.back().width = steps_.back().input_width = nodes[node].width;
  }
  Step<T>& step = steps_.back();
  step.node = node;
  const auto& layers = graph_.layers();
  step.layer = static_cast<std::size_t>(
      std::find_if(layers.begin(), layers.end(), [&](const NeuronLayer& l) { return l.node == node; }) -
      layers.begin());
  if (op.slopes.empty()) return;
  step.slopes = AlignedArray<T>(round_up(step.width, 64) + family_.columns);
  std::copy(op.slopes.begin(), op.slopes.end(), step.slopes.data());
}

// A buffer is free again after the last step that reads it; the last step's is read by the caller.
template <class T>
void Program<T>::assign_buffers() {
  const auto& nodes = graph_.nodes();
  std::vector<std::size_t> buffer_of(nodes.size(), Step<T>::kNone);
  std::vector<std::size_t> step_of(nodes.size(), Step<T>::kNone);
  std::vector<std::size_t> last_reader(nodes.size(), 0);
  const auto source_of = [&](const Step<T>& step) {
    const std::size_t input = nodes[step.node].inputs[0];
    const bool joined =
        step.kind == Step<T>::Kind::kDense && std::holds_alternative<ActivationOp<T>>(nodes[step.node].op);
    return joined ? nodes[input].inputs[0] : input;
  };
  for (std::size_t s = 0; s < steps_.size(); ++s) last_reader[source_of(steps_[s])] = s;
  std::vector<std::size_t> free;
  for (std::size_t s = 0; s < steps_.size(); ++s) {
    Step<T>& step = steps_[s];
    const std::size_t source = source_of(step);
    step.from = buffer_of[source];
    if (free.empty()) free.push_back(buffers_++);
    step.to = buffer_of[step.node] = free.back();
    free.pop_back();
    for (std::size_t node = 1; node < nodes.size(); ++node)
      if (buffer_of[node] != Step<T>::kNone && node != step.node && last_reader[node] == s)
        free.push_back(buffer_of[node]);
  }
}

template <class T>
typename Program<T>::Scratch Program<T>::scratch() const {
  Scratch scratch;
  for (std::size_t i = 0; i < buffers_; ++i) scratch.buffers.emplace_back(panel_rows_ * stride_);
  if (copies_points_) scratch.copy = AlignedArray<T>(panel_rows_ * (graph_.input_width() + kPadding));
  scratch.bits = AlignedArray<std::uint64_t>(stride_ / 64 + 1);
  return scratch;
}

template <class T>
void Program<T>::place_points(const Batch<T>& batch, std::size_t begin, std::size_t rows,
                              Scratch& scratch) const {
  const std::size_t width = graph_.input_width();
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
  const std::size_t count = batch.outputs ? steps_.size() : steps_to_last_layer_;
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
  const bool separately = !has_neurons || batch.preactivations;
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
  family_.activate(call);
}

template <class T>
DenseCall<T> Program<T>::call_of(const Step<T>& step, const Batch<T>& batch, std::size_t begin,
                                 std::size_t rows, Scratch& scratch) const {
  DenseCall<T> call;
  call.rows = rows;
  call.depth = step.input_width;
  call.blocks = step.blocks;
  call.is_narrow = step.is_narrow;
  call.weights = step.weights.data();
  call.bias = step.bias.data();
  const bool from_points = step.from == Step<T>::kNone;
  call.input = from_points ? scratch.points : scratch.buffers[step.from].data();
  call.input_stride = from_points ? scratch.points_stride : stride_;
  call.output = scratch.buffers[step.to].data();
  call.output_stride = stride_;
  if (step.layer == Step<T>::kNone) return call;
  call.activation = step.slopes.size() ? Activation::kSlopes : Activation::kRelu;
  call.slopes = step.slopes.data();
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
