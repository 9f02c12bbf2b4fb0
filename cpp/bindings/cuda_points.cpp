// Points written on CUDA devices, and by their emulation on the host.
#include <pybind11/stl.h>

#include "bindings/arrays.hpp"
#include "bindings/dlpack.hpp"
#include "cuda/points/points.hpp"
#include "points/halton.hpp"
#include "points/sobol.hpp"

namespace facetry::bindings {
namespace {

// Calls visit with the array's memory, as float* or double*, and its rows.
template <class Visit>
void visit_output(const DeviceView& out, std::size_t columns, Visit&& visit) {
  std::int64_t rows = -1;
  void* const data =
      require_device_array("out", out, out.device, {"float32", "float64"}, rows, columns, true);
  const py::gil_scoped_release nogil;
  if (out.dtype == "float32")
    visit(static_cast<float*>(data), rows);
  else
    visit(static_cast<double*>(data), rows);
}

void generate_sobol(const Sobol& sobol, std::uint64_t start, const DeviceView& out, std::uintptr_t stream) {
  visit_output(out, sobol.dimensions(), [&](auto* data, std::int64_t n) {
    cuda::sobol(cuda::SobolPlan(sobol.tables()), start, n, data, out.device, reinterpret_cast<void*>(stream));
  });
}

// Calls visit with the plan of every range of columns.
template <class Visit>
void visit_halton(const Halton& halton, std::uint64_t start, std::uint64_t leap, std::int64_t n,
                  Visit&& visit) {
  if (n == 0) return;
  const std::uint64_t last = start + static_cast<std::uint64_t>(n - 1) * leap;
  for (std::int64_t begin = 0; begin < static_cast<std::int64_t>(halton.dimensions());) {
    const cuda::HaltonPlan plan(halton, begin, last);
    visit(plan, static_cast<std::int64_t>(halton.dimensions()));
    begin = plan.end;
  }
}

void generate_halton(const Halton& halton, std::uint64_t start, std::uint64_t leap, const DeviceView& out,
                     std::uintptr_t stream) {
  visit_output(out, halton.dimensions(), [&](auto* data, std::int64_t n) {
    visit_halton(halton, start, leap, n, [&](const cuda::HaltonPlan& plan, std::int64_t dimensions) {
      cuda::halton(plan, start, leap, n, dimensions, data, out.device, reinterpret_cast<void*>(stream));
    });
  });
}

template <class T>
void emulate_sobol(const Sobol& sobol, std::uint64_t start, Array<T> out) {
  const std::size_t n = size(out.shape(0));
  require_output("out", out, n, sobol.dimensions());
  cuda::emulate_sobol(cuda::SobolPlan(sobol.tables()), start, static_cast<std::int64_t>(n),
                      out.mutable_data());
}

template <class T>
void emulate_halton(const Halton& halton, std::uint64_t start, std::uint64_t leap, Array<T> out) {
  const auto n = static_cast<std::int64_t>(out.shape(0));
  require_output("out", out, size(n), halton.dimensions());
  visit_halton(halton, start, leap, n, [&](const cuda::HaltonPlan& plan, std::int64_t dimensions) {
    cuda::emulate_halton(plan, start, leap, n, dimensions, out.mutable_data());
  });
}

}  // namespace

void bind_cuda_points(py::module_& module) {
  module.def("cuda_sobol", &generate_sobol, py::arg("sobol"), py::arg("start"), py::arg("out"),
             py::arg("stream"));
  module.def("cuda_halton", &generate_halton, py::arg("halton"), py::arg("start"), py::arg("leap"),
             py::arg("out"), py::arg("stream"));
  module.def("emulate_cuda_sobol", &emulate_sobol<float>, py::arg("sobol"), py::arg("start"),
             py::arg("out").noconvert());
  module.def("emulate_cuda_sobol", &emulate_sobol<double>, py::arg("sobol"), py::arg("start"),
             py::arg("out").noconvert());
  module.def("emulate_cuda_halton", &emulate_halton<float>, py::arg("halton"), py::arg("start"),
             py::arg("leap"), py::arg("out").noconvert());
  module.def("emulate_cuda_halton", &emulate_halton<double>, py::arg("halton"), py::arg("start"),
             py::arg("leap"), py::arg("out").noconvert());
}

}  // namespace facetry::bindings
