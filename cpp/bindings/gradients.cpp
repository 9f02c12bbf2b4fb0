// Gradients and passes with the patterns given.
#include "network/gradients.hpp"

#include <pybind11/stl.h>

#include "bindings/arrays.hpp"

namespace facetry::bindings {
namespace {

using Numbers = Array<std::int64_t>;

std::span<const std::int64_t> span_of(const char* name, const Numbers& numbers, std::size_t count) {
  if (numbers.ndim() != 1) refuse_shape(name, numbers, "(k,)");
  for (py::ssize_t i = 0; i < numbers.size(); ++i)
    if (numbers.data()[i] < 0 || size(numbers.data()[i]) >= count)
      throw py::index_error(std::string(name) + "[" + std::to_string(i) + "] is " +
                            std::to_string(numbers.data()[i]) + ", there are " + std::to_string(count));
  return {numbers.data(), size(numbers.size())};
}

GradientMethod method_of(const std::string& name) {
  if (name == "auto") return GradientMethod::kAuto;
  if (name == "perturbation") return GradientMethod::kPerturbation;
  if (name == "dynamic") return GradientMethod::kDynamic;
  if (name == "backprop") return GradientMethod::kBackprop;
  throw py::value_error("method is '" + name + "', expected 'auto', 'perturbation', 'dynamic' or 'backprop'");
}

template <class T>
void bind_neuron_gradients(const Network<T>& network, const Words& patterns, const Numbers& axes,
                           const Numbers& neurons, const std::string& method, Array<T> out) {
  const Graph<T>& graph = network.graph();
  GradientCall<T> call;
  call.patterns = rows_of("patterns", patterns, graph.words());
  call.bits = patterns.data();
  call.axes = span_of("axes", axes, graph.input_width());
  call.neurons = span_of("neurons", neurons, graph.neurons() + graph.output_width());
  call.method = method_of(method);
  require_output("out", out, call.patterns * call.neurons.size(), call.axes.size());
  call.out = out.mutable_data();
  const py::gil_scoped_release nogil;
  neuron_gradients(network, call);
}

// Rows of x with the pattern of row r / repeat; see Batch.
template <class T>
void propagate_frozen(const Network<T>& network, const Array<T>& x, const Words& patterns, std::size_t repeat,
                      bool is_tangent, std::optional<Array<T>> outputs,
                      std::optional<Array<T>> preactivations) {
  const Graph<T>& graph = network.graph();
  Batch<T> batch;
  batch.rows = rows_of("x", x, graph.input_width());
  batch.x = x.data();
  if (rows_of("patterns", patterns, graph.words()) * repeat != batch.rows)
    refuse_shape("patterns", patterns, "one row for every " + std::to_string(repeat) + " of x");
  batch.frozen = patterns.data();
  batch.repeat = repeat;
  batch.is_tangent = is_tangent;
  if (outputs) {
    require_output("out", *outputs, batch.rows, graph.output_width());
    batch.outputs = outputs->mutable_data();
  }
  if (preactivations) {
    require_output("out", *preactivations, batch.rows, graph.neurons());
    batch.preactivations = preactivations->mutable_data();
  }
  const py::gil_scoped_release nogil;
  network.propagate(batch);
}

template <class T>
void bind_pull_back(const Network<T>& network, const Array<T>& cotangents, const Words& patterns,
                    std::size_t repeat, Array<T> out) {
  const Graph<T>& graph = network.graph();
  const std::size_t rows = rows_of("cotangents", cotangents, graph.output_width());
  if (rows_of("patterns", patterns, graph.words()) * repeat != rows)
    refuse_shape("patterns", patterns, "one row for every " + std::to_string(repeat) + " of cotangents");
  require_output("out", out, rows, graph.input_width());
  T* to = out.mutable_data();
  const py::gil_scoped_release nogil;
  pull_back(network, rows, repeat, patterns.data(), cotangents.data(), to);
}

template <class T>
void bind_for(py::module_& module) {
  module.def("neuron_gradients", &bind_neuron_gradients<T>, py::arg("network"),
             py::arg("patterns").noconvert(), py::arg("axes").noconvert(), py::arg("neurons").noconvert(),
             py::arg("method"), py::arg("out").noconvert());
  module.def("propagate_frozen", &propagate_frozen<T>, py::arg("network"), py::arg("x").noconvert(),
             py::arg("patterns").noconvert(), py::arg("repeat"), py::arg("is_tangent"), py::kw_only(),
             py::arg("outputs").noconvert() = py::none(), py::arg("preactivations").noconvert() = py::none());
  module.def("pull_back", &bind_pull_back<T>, py::arg("network"), py::arg("cotangents").noconvert(),
             py::arg("patterns").noconvert(), py::arg("repeat"), py::arg("out").noconvert());
}

}  // namespace

void bind_gradients(py::module_& module) {
  bind_for<float>(module);
  bind_for<double>(module);
}

}  // namespace facetry::bindings
