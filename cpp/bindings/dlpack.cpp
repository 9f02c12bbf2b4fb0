#include "bindings/dlpack.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "bindings/arrays.hpp"

namespace facetry::bindings {
namespace {

struct NamedType {
  const char* name;
  const char* typestr;
  dlpack::DataType type;
};

constexpr std::array<NamedType, 4> kTypes{{{"float32", "<f4", {dlpack::kFloat, 32, 1}},
                                           {"float64", "<f8", {dlpack::kFloat, 64, 1}},
                                           {"int64", "<i8", {dlpack::kInt, 64, 1}},
                                           {"uint64", "<u8", {dlpack::kUInt, 64, 1}}}};

const NamedType& named(const std::string& name) {
  for (const NamedType& type : kTypes)
    if (name == type.name) return type;
  throw py::type_error("no device array of dtype " + name);
}

std::string name_of(const dlpack::DataType& type) {
  for (const NamedType& known : kTypes)
    if (type.code == known.type.code && type.bits == known.type.bits && type.lanes == 1) return known.name;
  static constexpr std::array<const char*, 7> kCodes{"int",    "uint",    "float", "handle",
                                                     "bfloat", "complex", "bool"};
  const std::string code =
      type.code < kCodes.size() ? kCodes[type.code] : "code " + std::to_string(type.code) + ", ";
  return code + std::to_string(type.bits) +
         (type.lanes == 1 ? "" : " x " + std::to_string(type.lanes) + " lanes");
}

// Strides in units of `unit` of a dimension's step by one element.
void require_contiguous(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides,
                        std::int64_t unit) {
  std::int64_t expected = unit;
  for (const std::int64_t n : shape)
    if (n == 0) return;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1 && strides[i] != expected)
      throw py::value_error(
          "an array on a CUDA device must be C-contiguous: call .contiguous() on a torch tensor, "
          "cupy.ascontiguousarray on a CuPy array");
    expected *= shape[i];
  }
}

DeviceView view_of(const dlpack::Tensor& tensor, std::uint64_t flags) {
  if (tensor.device.type != dlpack::kCuda && tensor.device.type != dlpack::kCudaManaged)
    throw py::type_error("the array is not on a CUDA device (DLPack device type " +
                         std::to_string(tensor.device.type) + ")");
  DeviceView view;
  view.shape.assign(tensor.shape, tensor.shape + tensor.ndim);
  if (tensor.strides) require_contiguous(view.shape, {tensor.strides, tensor.strides + tensor.ndim}, 1);
  view.data = static_cast<char*>(tensor.data) + tensor.byte_offset;
  view.device = tensor.device.id;
  view.dtype = name_of(tensor.dtype);
  view.read_only = flags & dlpack::kReadOnly;
  return view;
}

// Takes the tensor out of its capsule, as the protocol asks: rename the capsule, call the deleter when done.
template <class Managed>
std::shared_ptr<Managed> take(const py::capsule& capsule, const char* name, const char* used) {
  auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule.ptr(), name));
  if (!managed || PyCapsule_SetName(capsule.ptr(), used) != 0) throw py::error_already_set();
  return std::shared_ptr<Managed>(managed, [](Managed* m) {
    const py::gil_scoped_acquire gil;
    if (m->deleter) m->deleter(m);
  });
}

DeviceView from_dlpack(const py::object& array, std::int64_t stream) {
  py::object given;
  try {
    given =
        array.attr("__dlpack__")(py::arg("stream") = stream, py::arg("max_version") = py::make_tuple(1, 0));
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_TypeError)) throw;
    given = array.attr("__dlpack__")(py::arg("stream") = stream);  // a producer older than version 1
  }
  const auto capsule = py::cast<py::capsule>(given);
  if (std::strcmp(capsule.name(), "dltensor_versioned") == 0) {
    auto owner = take<dlpack::ManagedVersioned>(capsule, "dltensor_versioned", "used_dltensor_versioned");
    if (owner->major != 1)
      throw py::buffer_error("DLPack version " + std::to_string(owner->major) + ", expected 1");
    DeviceView view = view_of(owner->tensor, owner->flags);
    view.owner = owner;
    return view;
  }
  auto owner = take<dlpack::Managed>(capsule, "dltensor", "used_dltensor");
  DeviceView view = view_of(owner->tensor, 0);
  view.owner = owner;
  return view;
}

DeviceView from_interface(const py::object& array) {
  const py::dict description = array.attr("__cuda_array_interface__");
  const auto data = py::cast<std::pair<std::uintptr_t, bool>>(description["data"]);
  DeviceView view;
  view.data = reinterpret_cast<void*>(data.first);
  view.read_only = data.second;
  view.shape = py::cast<std::vector<std::int64_t>>(description["shape"]);
  const py::dtype dtype = py::dtype::from_args(description["typestr"]);
  view.dtype = py::cast<std::string>(py::str(dtype));
  if (description.contains("strides") && !description["strides"].is_none())
    require_contiguous(view.shape, py::cast<std::vector<std::int64_t>>(description["strides"]),
                       dtype.itemsize());
  view.device = view.data ? cuda::device_of(view.data) : 0;
  view.owner = std::shared_ptr<void>(new py::object(array), [](void* object) {
    const py::gil_scoped_acquire gil;
    delete static_cast<py::object*>(object);
  });
  return view;
}

// What an exported tensor keeps alive.
template <class Managed>
struct Export {
  Managed managed{};
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
  std::shared_ptr<cuda::Memory> memory;
};

template <class Managed>
py::capsule exported(const std::vector<std::int64_t>& shape, const std::string& dtype,
                     const std::shared_ptr<cuda::Memory>& memory, const char* name) {
  auto owner = std::make_unique<Export<Managed>>();
  owner->shape = shape;
  owner->strides.assign(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) owner->strides[i - 1] = owner->strides[i] * shape[i];
  owner->memory = memory;
  Managed& managed = owner->managed;
  if constexpr (std::is_same_v<Managed, dlpack::ManagedVersioned>) managed.major = 1;
  managed.context = owner.get();
  managed.deleter = [](Managed* m) { delete static_cast<Export<Managed>*>(m->context); };
  managed.tensor = {memory->data(),
                    {dlpack::kCuda, memory->device()},
                    static_cast<std::int32_t>(shape.size()),
                    named(dtype).type,
                    owner->shape.data(),
                    owner->strides.data(),
                    0};
  const py::capsule capsule(&managed, name, [](PyObject* object) {
    const char* const kept = PyCapsule_GetName(object);  // a consumer has renamed what it took
    if (kept && std::strncmp(kept, "used_", 5) == 0) return;
    auto* m = static_cast<Managed*>(PyCapsule_GetPointer(object, kept));
    m->deleter(m);
  });
  static_cast<void>(owner.release());
  return capsule;
}

std::string text(const std::vector<std::int64_t>& shape) {
  return py::cast<std::string>(py::str(py::tuple(py::cast(shape))));
}

std::size_t bytes_of(const std::vector<std::int64_t>& shape, const std::string& dtype) {
  std::size_t bytes = named(dtype).type.bits / 8;
  for (const std::int64_t n : shape) {
    if (n < 0) throw py::value_error("negative dimension " + std::to_string(n));
    const auto count = static_cast<std::size_t>(n);
    if (count && bytes > std::numeric_limits<std::size_t>::max() / 2 / count) throw std::bad_alloc();
    bytes *= count;
  }
  return bytes;
}

}  // namespace

void* require_device_array(const char* name, const DeviceView& view, int device,
                           std::initializer_list<const char*> dtypes, std::int64_t& rows, std::size_t columns,
                           bool is_written) {
  if (view.device != device)
    throw py::value_error(std::string(name) + " is on cuda:" + std::to_string(view.device) +
                          ", expected on cuda:" + std::to_string(device));
  if (std::none_of(dtypes.begin(), dtypes.end(), [&](const char* dtype) { return view.dtype == dtype; }))
    throw py::type_error(std::string(name) + " has dtype " + view.dtype + ", expected " + *dtypes.begin() +
                         " (arrays on a CUDA device are not converted)");
  std::int64_t width = 1;
  for (std::size_t i = 1; i < view.shape.size(); ++i) width *= view.shape[i];
  const bool fits = (is_written ? view.shape.size() == 2 : view.shape.size() >= 2) &&
                    (rows < 0 || view.shape[0] == rows) && size(width) == columns;
  if (!fits)
    throw py::value_error(std::string(name) + " has shape " + text(view.shape) + ", expected (" +
                          (rows < 0 ? "n" : std::to_string(rows)) + ", " + std::to_string(columns) + ")");
  if (is_written && view.read_only) throw py::value_error(std::string(name) + " is read-only");
  rows = view.shape[0];
  return view.data;
}

DeviceArray::DeviceArray(std::vector<std::int64_t> shape, const std::string& dtype, int device)
    : shape_(std::move(shape)),
      dtype_(dtype),
      memory_(std::make_shared<cuda::Memory>(device, bytes_of(shape_, dtype))) {}

py::capsule DeviceArray::dlpack(const py::object& max_version) const {
  const bool versioned = !max_version.is_none() && py::cast<int>(py::tuple(max_version)[0]) >= 1;
  return versioned ? exported<dlpack::ManagedVersioned>(shape_, dtype_, memory_, "dltensor_versioned")
                   : exported<dlpack::Managed>(shape_, dtype_, memory_, "dltensor");
}

py::dict DeviceArray::interface() const {
  py::dict description;
  description["shape"] = py::tuple(py::cast(shape_));
  description["typestr"] = named(dtype_).typestr;
  description["data"] = py::make_tuple(reinterpret_cast<std::uintptr_t>(memory_->data()), false);
  description["strides"] = py::none();
  description["version"] = 3;
  return description;
}

py::array DeviceArray::to_host() const {
  py::array array(py::dtype(dtype_), shape_);
  void* const to = array.mutable_data();
  const py::gil_scoped_release nogil;
  memory_->copy_to_host(to);
  return array;
}

void bind_device_arrays(py::module_& module) {
  py::class_<DeviceView>(module, "DeviceView")
      .def_readonly("shape", &DeviceView::shape)
      .def_readonly("dtype", &DeviceView::dtype)
      .def_readonly("device", &DeviceView::device)
      .def_readonly("read_only", &DeviceView::read_only);
  module.def(
      "device_view",
      [](const py::object& array, std::int64_t stream) {
        return py::hasattr(array, "__dlpack__") ? from_dlpack(array, stream) : from_interface(array);
      },
      py::arg("array"), py::arg("stream"));
  py::class_<DeviceArray>(
      module, "DeviceArray",
      "An array on a CUDA device: torch.from_dlpack, cupy.from_dlpack and others take it without "
      "a copy, and .cpu() gives a NumPy array. Its values are ready for every stream.")
      .def(py::init<std::vector<std::int64_t>, const std::string&, int>(), py::arg("shape"), py::arg("dtype"),
           py::arg("device"))
      .def_property_readonly("shape", [](const DeviceArray& a) { return py::tuple(py::cast(a.shape())); })
      .def_property_readonly("dtype", [](const DeviceArray& a) { return py::dtype(a.dtype()); })
      .def_property_readonly("device",
                             [](const DeviceArray& a) { return "cuda:" + std::to_string(a.device()); })
      .def("cpu", &DeviceArray::to_host, "Copy to a NumPy array.")
      .def("__len__",
           [](const DeviceArray& a) {
             if (a.shape().empty()) throw py::type_error("an array without dimensions has no length");
             return a.shape()[0];
           })
      .def("__repr__",
           [](const DeviceArray& a) {
             return "DeviceArray(shape=" + py::cast<std::string>(py::str(py::tuple(py::cast(a.shape())))) +
                    ", dtype=" + a.dtype() + ", device='cuda:" + std::to_string(a.device()) + "')";
           })
      .def(
          "__dlpack__",
          [](const DeviceArray& a, const py::object&, const py::object& max_version,
             const py::object& dl_device, const py::object& copy) {
            if (!dl_device.is_none() && !dl_device.equal(py::make_tuple(int{dlpack::kCuda}, a.device())))
              throw py::buffer_error("this array is on cuda:" + std::to_string(a.device()) +
                                     " and stays there");
            if (!copy.is_none() && py::cast<bool>(copy))
              throw py::buffer_error("this array is given without a copy");
            return a.dlpack(max_version);
          },
          py::kw_only(), py::arg("stream") = py::none(), py::arg("max_version") = py::none(),
          py::arg("dl_device") = py::none(), py::arg("copy") = py::none())
      .def("__dlpack_device__",
           [](const DeviceArray& a) { return py::make_tuple(int{dlpack::kCuda}, a.device()); })
      .def_property_readonly("__cuda_array_interface__", &DeviceArray::interface);
}

}  // namespace facetry::bindings
