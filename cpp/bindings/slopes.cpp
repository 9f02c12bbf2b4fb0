// Slopes of patterns.
#include "network/slopes.hpp"

#include <pybind11/stl.h>

#include "bindings/arrays.hpp"

namespace facetry::bindings {
namespace {

SlopeNorm norm_of(const std::string& name) {
  if (name == "1") return SlopeNorm::kOne;
  if (name == "2") return SlopeNorm::kTwo;
  if (name == "inf") return SlopeNorm::kInfinity;
  throw py::value_error("p is '" + name + "', expected '1', '2' or 'inf'");
}

template <class T>
void bind_slopes_of(const Network<T>& network, const Words& patterns, const std::string& p,
                    const std::optional<Array<T>>& triangle, Array<T> out) {
  const Graph<T>& graph = network.graph();
  SlopeCall<T> call;
  call.patterns = rows_of("patterns", patterns, graph.words());
  call.bits = patterns.data();
  call.norm = norm_of(p);
  if (triangle) {
    const auto* first = std::get_if<DenseOp<T>>(&graph.nodes()[1].op);
    const std::size_t width = graph.nodes()[1].width;
    if (!first) throw py::value_error("triangle is of a first layer that is not dense");
    if (rows_of("triangle", *triangle, width) != width) refuse_shape("triangle", *triangle, "a square");
    call.triangle = triangle->data();
  }
  require_output("out", out, call.patterns, 1);
  call.out = out.mutable_data();
  const py::gil_scoped_release nogil;
  slopes(network, call);
}

}  // namespace

void bind_slopes(py::module_& module) {
  const auto define = [&](auto function) {
    module.def("slopes", function, py::arg("network"), py::arg("patterns").noconvert(), py::arg("p"),
               py::arg("triangle").noconvert(), py::arg("out").noconvert());
  };
  define(&bind_slopes_of<float>);
  define(&bind_slopes_of<double>);
}

}  // namespace facetry::bindings
