// Low-discrepancy points, written into the caller's arrays.
#include "points/halton.hpp"
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
void generate_sobol(const Sobol& sobol, std::uint64_t start, Array<T> out) {
  const std::size_t n = size(out.shape(0));
  require_output("out", out, n, sobol.dimensions());
  T* numbers = out.mutable_data();
  const py::gil_scoped_release nogil;
  sobol.generate(start, n, numbers);
}

template <class T>
void generate_halton(const Halton& halton, std::uint64_t start, std::uint64_t leap, Array<T> out) {
  const std::size_t n = size(out.shape(0));
  require_output("out", out, n, halton.dimensions());
  T* numbers = out.mutable_data();
  const py::gil_scoped_release nogil;
  halton.generate(start, leap, n, numbers);
}

}  // namespace

void bind_points(py::module_& module) {
  py::class_<Sobol>(module, "Sobol")
      .def(py::init(&make_sobol), py::arg("polynomials").noconvert(), py::arg("initial").noconvert(),
           py::arg("bits"), py::arg("scramble"), py::arg("seed"))
      .def("generate", &generate_sobol<float>, py::arg("start"), py::arg("out").noconvert())
      .def("generate", &generate_sobol<double>, py::arg("start"), py::arg("out").noconvert());
  py::class_<Halton>(module, "Halton")
      .def(py::init<std::size_t, const std::string&, std::uint64_t>(), py::arg("dimensions"),
           py::arg("scramble"), py::arg("seed"))
      .def("generate", &generate_halton<float>, py::arg("start"), py::arg("leap"), py::arg("out").noconvert())
      .def("generate", &generate_halton<double>, py::arg("start"), py::arg("leap"),
           py::arg("out").noconvert());
}

}  // namespace facetry::bindings
