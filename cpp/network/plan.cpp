#include "network/plan.hpp"

#include <algorithm>

#include "network/graph.hpp"

namespace facetry {
namespace {

template <class T>
class Planner {
 public:
  using Step = PlanStep<T>;

  explicit Planner(const Graph<T>& graph) : graph_(graph), nodes_(graph.nodes()) {}

  Plan<T> plan() {
    for (std::size_t node = 1; node < nodes_.size(); ++node) {
      if (const auto* dense = std::get_if<DenseOp<T>>(&nodes_[node].op))
        append(node, Step::Kind::kDense, dense->weight.data(), dense->bias.data());
      if (const auto* scale = std::get_if<ScaleOp<T>>(&nodes_[node].op))
        append(node, Step::Kind::kScale, scale->scale.data(), scale->shift.data());
      if (const auto* activation = std::get_if<ActivationOp<T>>(&nodes_[node].op))
        add_activation(node, *activation);
      if (plan_.steps.back().layer != Step::kNone) plan_.steps_to_last_layer = plan_.steps.size();
    }
    assign_buffers();
    for (const Node<T>& node : nodes_) plan_.widest = std::max(plan_.widest, node.width);
    plan_.input_width = graph_.input_width();
    plan_.output_width = graph_.output_width();
    plan_.neurons = graph_.neurons();
    plan_.words = graph_.words();
    return std::move(plan_);
  }

 private:
  void append(std::size_t node, typename Step::Kind kind, const T* weight, const T* bias) {
    Step step;
    step.kind = kind;
    step.node = node;
    step.width = nodes_[node].width;
    step.input_width = nodes_[nodes_[node].inputs[0]].width;
    step.weight = weight;
    step.bias = bias;
    sources_.push_back(nodes_[node].inputs[0]);
    plan_.steps.push_back(step);
  }

  // The activation joins the dense step before it when nothing else reads that step's value; a second
  // activation in a row does not join: its neurons are others.
  void add_activation(std::size_t node, const ActivationOp<T>& op) {
    const std::size_t input = nodes_[node].inputs[0];
    const auto readers = std::count_if(nodes_.begin(), nodes_.end(), [&](const Node<T>& other) {
      return std::find(other.inputs.begin(), other.inputs.end(), input) != other.inputs.end();
    });
    const bool joins = !plan_.steps.empty() && plan_.steps.back().node == input &&
                       plan_.steps.back().kind == Step::Kind::kDense &&
                       plan_.steps.back().layer == Step::kNone && readers == 1;
    if (!joins) append(node, Step::Kind::kActivation, nullptr, nullptr);
    Step& step = plan_.steps.back();
    step.node = node;
    const auto& layers = graph_.layers();
    const auto layer =
        std::find_if(layers.begin(), layers.end(), [&](const NeuronLayer& l) { return l.node == node; });
    step.layer = static_cast<std::size_t>(layer - layers.begin());
    step.first_neuron = layer->first_neuron;
    step.first_word = layer->first_word;
    if (!op.slopes.empty()) step.slopes = op.slopes.data();
  }

  // A buffer is free again after the last step that reads it; the last step's is read by the caller.
  void assign_buffers() {
    std::vector<std::size_t> buffer_of(nodes_.size(), Step::kNone);
    std::vector<std::size_t> last_reader(nodes_.size(), 0);
    for (std::size_t s = 0; s < sources_.size(); ++s) last_reader[sources_[s]] = s;
    std::vector<std::size_t> free;
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      Step& step = plan_.steps[s];
      step.from = buffer_of[sources_[s]];
      if (free.empty()) free.push_back(plan_.buffers++);
      step.to = buffer_of[step.node] = free.back();
      free.pop_back();
      for (std::size_t node = 1; node < nodes_.size(); ++node)
        if (buffer_of[node] != Step::kNone && node != step.node && last_reader[node] == s)
          free.push_back(buffer_of[node]);
    }
  }

  const Graph<T>& graph_;
  const std::vector<Node<T>>& nodes_;
  Plan<T> plan_;
  std::vector<std::size_t> sources_;  // the node that each step reads
};

}  // namespace

template <class T>
Plan<T> make_plan(const Graph<T>& graph) {
  return Planner<T>(graph).plan();
}

template Plan<float> make_plan(const Graph<float>&);
template Plan<double> make_plan(const Graph<double>&);

}  // namespace facetry
