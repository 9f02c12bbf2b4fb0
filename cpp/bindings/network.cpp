// Graphs and networks, once for float32 and once for float64.
#include "network/network.hpp"

#include <pybind11/stl.h>

#include "bindings/arrays.hpp"

namespace facetry::bindings {
namespace {

template <class T>
std::span<const T> span_of(const Array<T>& array) {
  return {array.data(), size(array.size())};
}

template <class T>
void bind_graph(py::module_& module, const char* name) {
  py::class_<Graph<T>>(module, name)
      .def(py::init<std::size_t>(), py::arg("input_width"))
      .def(
          "dense",
          [](Graph<T>& graph, std::size_t input, const Array<T>& weight, const Array<T>& bias) {
            return graph.dense(input, span_of(weight), span_of(bias));
          },
          py::arg("input"), py::arg("weight").noconvert(), py::arg("bias").noconvert())
      .def(
          "scale",
          [](Graph<T>& graph, std::size_t input, const Array<T>& scale, const Array<T>& shift) {
            return graph.scale(input, span_of(scale), span_of(shift));
          },
          py::arg("input"), py::arg("scale").noconvert(), py::arg("shift").noconvert())
      .def(
          "activation",
          [](Graph<T>& graph, std::size_t input, const Array<T>& slopes) {
            return graph.activation(input, span_of(slopes));
          },
          py::arg("input"), py::arg("slopes").noconvert());
}

template <class T>
void propagate(const Network<T>& network, const Array<T>& x, std::optional<Array<T>> outputs,
               std::optional<Array<T>> preactivations, std::optional<Words> patterns) {
  const Graph<T>& graph = network.graph();
  Batch<T> batch;
  batch.rows = rows_of("x", x, graph.input_width());
  batch.x = x.data();
  if (outputs) {
    require_output("out", *outputs, batch.rows, graph.output_width());
    batch.outputs = outputs->mutable_data();
  }
  if (preactivations) {
    require_output("out", *preactivations, batch.rows, graph.neurons());
    batch.preactivations = preactivations->mutable_data();
  }
  if (patterns) {
    require_output("out", *patterns, batch.rows, graph.words());
    batch.patterns = patterns->mutable_data();
  }
  const py::gil_scoped_release nogil;
  network.propagate(batch);
}

template <class T>
void bind_network_of(py::module_& module, const char* name) {
  py::class_<Network<T>>(module, name)
      .def(py::init<const Graph<T>&>(), py::arg("graph"))
      .def_property_readonly("neurons", [](const Network<T>& n) { return n.graph().neurons(); })
      .def_property_readonly("words", [](const Network<T>& n) { return n.graph().words(); })
      .def_property_readonly("layer_widths",
                             [](const Network<T>& n) {
                               std::vector<std::size_t> widths;
                               for (const NeuronLayer& layer : n.graph().layers())
                                 widths.push_back(layer.width);
                               return widths;
                             })
      .def("propagate", &propagate<T>, py::arg("x").noconvert(), py::kw_only(),
           py::arg("outputs").noconvert() = py::none(), py::arg("preactivations").noconvert() = py::none(),
           py::arg("patterns").noconvert() = py::none());
}

}  // namespace

void bind_network(py::module_& module) {
  bind_graph<float>(module, "Graph32");
  bind_graph<double>(module, "Graph64");
  bind_network_of<float>(module, "Network32");
  bind_network_of<double>(module, "Network64");
}

}  // namespace facetry::bindings
