// Networks on CUDA devices, and their emulation on the host.
#include "cuda/network/network.hpp"

#include <pybind11/stl.h>

#include "bindings/arrays.hpp"
#include "bindings/dlpack.hpp"
#include "cuda/network/emulate.hpp"
#include "network/network.hpp"

namespace facetry::bindings {
namespace {

template <class T>
constexpr const char* kName = sizeof(T) == sizeof(float) ? "float32" : "float64";

template <class T>
struct CudaNetwork {
  CudaNetwork(const Network<T>& host, int device) : plan(make_plan(host.graph())), network(plan, device) {}

  Plan<T> plan;
  cuda::Network<T> network;
};

template <class T>
void propagate(const CudaNetwork<T>& self, const DeviceView& x, const DeviceView* outputs,
               const DeviceView* preactivations, const DeviceView* patterns, std::uintptr_t stream) {
  const int device = self.network.device();
  cuda::Panel<T> batch;
  std::int64_t rows = -1;
  batch.x = static_cast<const T*>(
      require_device_array("x", x, device, {kName<T>}, rows, self.plan.input_width, false));
  batch.rows = rows;
  if (outputs)
    batch.outputs = static_cast<T*>(
        require_device_array("out", *outputs, device, {kName<T>}, rows, self.plan.output_width, true));
  if (preactivations)
    batch.preactivations = static_cast<T*>(
        require_device_array("out", *preactivations, device, {kName<T>}, rows, self.plan.neurons, true));
  if (patterns)
    batch.patterns = static_cast<std::uint64_t*>(
        require_device_array("out", *patterns, device, {"uint64", "int64"}, rows, self.plan.words, true));
  const py::gil_scoped_release nogil;
  self.network.propagate(batch, false, reinterpret_cast<void*>(stream), &check_interrupt);
}

// A batch in host memory, with its shapes checked.
template <class T>
cuda::Panel<T> host_batch(const Plan<T>& plan, const Array<T>& x, std::optional<Array<T>>& outputs,
                          std::optional<Array<T>>& preactivations, std::optional<Words>& patterns) {
  cuda::Panel<T> batch;
  const std::size_t rows = rows_of("x", x, plan.input_width);
  batch.rows = static_cast<std::int64_t>(rows);
  batch.x = x.data();
  if (outputs) {
    require_output("out", *outputs, rows, plan.output_width);
    batch.outputs = outputs->mutable_data();
  }
  if (preactivations) {
    require_output("out", *preactivations, rows, plan.neurons);
    batch.preactivations = preactivations->mutable_data();
  }
  if (patterns) {
    require_output("out", *patterns, rows, plan.words);
    batch.patterns = patterns->mutable_data();
  }
  return batch;
}

template <class T>
void propagate_host(const CudaNetwork<T>& self, const Array<T>& x, std::optional<Array<T>> outputs,
                    std::optional<Array<T>> preactivations, std::optional<Words> patterns) {
  const cuda::Panel<T> batch = host_batch(self.plan, x, outputs, preactivations, patterns);
  const py::gil_scoped_release nogil;
  self.network.propagate(batch, true, nullptr, &check_interrupt);
}

template <class T>
void emulate(const Network<T>& network, const Array<T>& x, std::optional<Array<T>> outputs,
             std::optional<Array<T>> preactivations, std::optional<Words> patterns, std::int64_t panel_rows,
             bool fuse, bool reversed) {
  const Plan<T> plan = make_plan(network.graph());
  const cuda::Panel<T> batch = host_batch(plan, x, outputs, preactivations, patterns);
  const py::gil_scoped_release nogil;
  cuda::emulate(cuda::Packed<T>(plan), batch, panel_rows, fuse, reversed);
}

template <class T>
void bind_network_of(py::module_& module, const char* name) {
  py::class_<CudaNetwork<T>>(module, name)
      .def(py::init<const Network<T>&, int>(), py::arg("network"), py::arg("device"), py::keep_alive<1, 2>())
      .def_property_readonly("device", [](const CudaNetwork<T>& n) { return n.network.device(); })
      .def("propagate", &propagate<T>, py::arg("x"), py::kw_only(), py::arg("outputs") = py::none(),
           py::arg("preactivations") = py::none(), py::arg("patterns") = py::none(), py::arg("stream"))
      .def("propagate_host", &propagate_host<T>, py::arg("x").noconvert(), py::kw_only(),
           py::arg("outputs").noconvert() = py::none(), py::arg("preactivations").noconvert() = py::none(),
           py::arg("patterns").noconvert() = py::none());
  module.def("emulate_cuda", &emulate<T>, py::arg("network"), py::arg("x").noconvert(), py::kw_only(),
             py::arg("outputs").noconvert() = py::none(), py::arg("preactivations").noconvert() = py::none(),
             py::arg("patterns").noconvert() = py::none(), py::arg("panel_rows"), py::arg("fuse"),
             py::arg("reversed"));
}

}  // namespace

void bind_cuda(py::module_& module) {
  module.def("cuda_built", &cuda::built);
  module.def("cuda_device_count", &cuda::device_count);
  module.def("cuda_why_not", &cuda::why_not);
  module.def("cuda_device_name", &cuda::device_name, py::arg("device"));
  module.def(
      "cuda_pointer_device",
      [](std::uintptr_t pointer) { return cuda::device_of(reinterpret_cast<const void*>(pointer)); },
      py::arg("pointer"));
  bind_device_arrays(module);
  bind_network_of<float>(module, "CudaNetwork32");
  bind_network_of<double>(module, "CudaNetwork64");
}

}  // namespace facetry::bindings
