// Distances from points to the walls around them.
#include "network/margins.hpp"

#include <pybind11/stl.h>

#include <limits>

#include "base/dispatch.hpp"
#include "bindings/arrays.hpp"
#include "network/spectral.hpp"
#include "network/walls.hpp"

namespace facetry::bindings {
namespace {

template <class T>
void require_vector(const char* name, const Array<T>& array, std::size_t rows) {
  if (array.ndim() != 1 || size(array.shape(0)) != rows)
    refuse_shape(name, array, "(" + std::to_string(rows) + ",)");
}

// Balls of the 1-, 2- or largest norm are bounded by gradients in the dual one.
DualNorm dual_of(double p) {
  if (p == 1) return DualNorm::kLargest;
  if (p == 2) return DualNorm::kEuclidean;
  if (p == std::numeric_limits<double>::infinity()) return DualNorm::kSum;
  throw py::value_error("p is " + std::to_string(p) + ", expected 1, 2 or inf");
}

template <class T>
void run(const Margins& margins, const Network<T>& forward, const Array<T>& x, double p, Array<double> radius,
         Array<std::int64_t> neuron, std::optional<Array<bool>> certain) {
  MarginCall call;
  call.rows = rows_of("x", x, forward.graph().input_width());
  call.norm = dual_of(p);
  call.is_certified = certain.has_value();
  require_vector("radius", radius, call.rows);
  require_vector("neuron", neuron, call.rows);
  call.radius = radius.mutable_data();
  call.neuron = neuron.mutable_data();
  if (certain) {
    require_vector("certain", *certain, call.rows);
    call.certain = certain->mutable_data();
  }
  const py::gil_scoped_release nogil;
  margins.run(forward, x.data(), call);
}

template <class T>
WallBase<T> base_of(const Array<T>& base, const Graph<double>& graph) {
  const std::size_t width = graph.layers().empty() ? 0 : graph.layers().front().width;
  if (base.ndim() != 2 || size(base.shape(0)) != width || base.shape(1) == 0 || width == 0)
    refuse_shape("base", base, "(" + std::to_string(width) + ", columns)");
  return {base.data(), size(base.shape(1))};
}

template <class T>
void distances(const Network<double>& network, const Network<T>& linear, const Array<T>& base, double p,
               const Array<double>& x, Array<double> out) {
  const WallBase<T> wall_base = base_of(base, network.graph());
  const std::size_t rows = rows_of("x", x, network.graph().input_width());
  require_output("out", out, rows, network.graph().neurons());
  double* to = out.mutable_data();
  const DualNorm norm = dual_of(p);
  const py::gil_scoped_release nogil;
  wall_distances(network, linear, wall_base, norm, rows, x.data(), to);
}

void axes(const Network<double>& network, const Array<double>& base, const Array<double>& x,
          Array<double> out) {
  const WallBase<double> wall_base = base_of(base, network.graph());
  const std::size_t rows = rows_of("x", x, network.graph().input_width());
  require_output("out", out, rows, 2 * network.graph().input_width());
  double* to = out.mutable_data();
  const py::gil_scoped_release nogil;
  axis_margins(network, wall_base, rows, x.data(), to);
}

void directional(const Network<double>& network, const Array<double>& x, const Array<double>& vectors,
                 Array<double> out) {
  DirectionCall call;
  const std::size_t inputs = network.graph().input_width();
  call.rows = rows_of("x", x, inputs);
  call.x = x.data();
  call.directions = out.ndim() == 2 ? size(out.shape(1)) : 0;
  require_output("out", out, call.rows, call.directions);
  const std::size_t given = rows_of("directions", vectors, inputs);
  call.has_own = given != call.directions;
  if (call.has_own && given != call.rows * call.directions)
    refuse_shape("directions", vectors,
                 "(" + std::to_string(call.directions) + ", inputs), or so many a point");
  call.vectors = vectors.data();
  call.out = out.mutable_data();
  const py::gil_scoped_release nogil;
  directional_margins(network, call);
}

template <class T>
void bind_for(py::module_& module, py::class_<Margins>& margins) {
  margins.def("run", &run<T>, py::arg("forward"), py::arg("x").noconvert(), py::arg("p"),
              py::arg("radius").noconvert(), py::arg("neuron").noconvert(),
              py::arg("certain").noconvert() = py::none());
  module.def("wall_distances", &distances<T>, py::arg("network"), py::arg("linear"),
             py::arg("base").noconvert(), py::arg("p"), py::arg("x").noconvert(), py::arg("out").noconvert());
}

}  // namespace

void bind_margins(py::module_& module) {
  py::class_<Margins> margins(module, "Margins");
  margins.def(py::init<const Network<double>&, std::vector<double>>(), py::arg("network"),
              py::arg("input_scale"), py::keep_alive<1, 2>());
  bind_for<float>(module, margins);
  bind_for<double>(module, margins);
  module.def(
      "spectral_bound",
      [](const Array<double>& weight) {
        if (weight.ndim() != 2 || weight.size() == 0) refuse_shape("weight", weight, "(rows, columns)");
        const MatrixView view{weight.data(), size(weight.shape(0)), size(weight.shape(1)), nullptr};
        return spectral_bound(kernels().dense.f64, view);
      },
      py::arg("weight").noconvert());
  module.def("axis_margins", &axes, py::arg("network"), py::arg("base").noconvert(), py::arg("x").noconvert(),
             py::arg("out").noconvert());
  module.def("directional_margins", &directional, py::arg("network"), py::arg("x").noconvert(),
             py::arg("directions").noconvert(), py::arg("out").noconvert());
}

}  // namespace facetry::bindings
