// Low-discrepancy points, written into the caller's arrays.
#include "points/sobol.hpp"

#include <pybind11/stl.h>

#include "bindings/arrays.hpp"

namespace facetry::bindings {
namespace {

Sobol make_sobol(const Array<std::uint32_t>& polynomials, const Array<std::uint32_t>& initial, unsigned bits,
                 const std::string& scramble, std::uint64_t seed) {
  if (rows_of("initial", initial, Sobol::kInitial) != size(polynomials.size()))
    refuse_shape("initial", initial, "one row a polynomial");
  const py::gil_scoped_release nogil;
  return {{polynomials.data(), size(polynomials.size())},
          {initial.data(), size(initial.size())},
          bits,
          scramble,
          seed};
}

template <class T>
void generate(const Sobol& sobol, std::uint64_t start, Array<T> out) {
  const std::size_t n = size(out.shape(0));
  require_output("out", out, n, sobol.dimensions());
  T* numbers = out.mutable_data();
  const py::gil_scoped_release nogil;
  sobol.generate(start, n, numbers);
}

}  // namespace

void bind_points(py::module_& module) {
  py::class_<Sobol>(module, "Sobol")
      .def(py::init(&make_sobol), py::arg("polynomials").noconvert(), py::arg("initial").noconvert(),
           py::arg("bits"), py::arg("scramble"), py::arg("seed"))
      .def("generate", &generate<float>, py::arg("start"), py::arg("out").noconvert())
      .def("generate", &generate<double>, py::arg("start"), py::arg("out").noconvert());
}

}  // namespace facetry::bindings
