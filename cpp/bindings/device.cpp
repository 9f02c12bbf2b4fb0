// Where work runs: instruction sets, threads; and how Ctrl-C reaches it.
#include <pybind11/stl.h>

#include "base/dispatch.hpp"
#include "base/parallel.hpp"
#include "bindings/arrays.hpp"

namespace facetry::bindings {

void check_interrupt() {
  const py::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

void bind_device(py::module_& module) {
  set_interrupt_check(&check_interrupt);
  module.def("isa", [] { return kernels().name; });
  module.def("available_isas", &available_isas);
  module.def("use_isa", &use_isa, py::arg("name"));
  module.def("num_threads", &num_threads);
  module.def("set_num_threads", &set_num_threads, py::arg("threads"));
}

}  // namespace facetry::bindings
