// Distances from points to the walls around them.
#include "network/margins.hpp"

#include <pybind11/stl.h>

#include "bindings/arrays.hpp"

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
void run(const Margins& margins, const Network<T>& forward, const Array<T>& x, double p,
         Array<double>& radius, Array<std::int64_t>& neuron, std::optional<Array<std::uint8_t>> certain) {
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

}  // namespace

void bind_margins(py::module_& module) {
  py::class_<Margins>(module, "Margins")
      .def(py::init<const Network<double>&, std::vector<double>>(), py::arg("network"),
           py::arg("input_scale"), py::keep_alive<1, 2>())
      .def("run", &run<float>, py::arg("forward"), py::arg("x").noconvert(), py::arg("p"),
           py::arg("radius").noconvert(), py::arg("neuron").noconvert(),
           py::arg("certain").noconvert() = py::none())
      .def("run", &run<double>, py::arg("forward"), py::arg("x").noconvert(), py::arg("p"),
           py::arg("radius").noconvert(), py::arg("neuron").noconvert(),
           py::arg("certain").noconvert() = py::none());
}

}  // namespace facetry::bindings
