// Arrays in device memory: taken from any library through DLPack or __cuda_array_interface__, and given to
// any. The structures are the DLPack ABI, versions 0 (unversioned) and 1.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "cuda/cuda.hpp"

namespace facetry::bindings {

namespace py = pybind11;

namespace dlpack {

enum DeviceType : std::int32_t { kCpu = 1, kCuda = 2, kCudaManaged = 13 };
enum TypeCode : std::uint8_t { kInt = 0, kUInt = 1, kFloat = 2 };

struct Device {
  std::int32_t type;
  std::int32_t id;
};

struct DataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
};

struct Tensor {
  void* data;
  Device device;
  std::int32_t ndim;
  DataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; null: C order
  std::uint64_t byte_offset;
};

struct Managed {
  Tensor tensor;
  void* context;
  void (*deleter)(Managed*);
};

struct ManagedVersioned {
  std::uint32_t major;
  std::uint32_t minor;
  void* context;
  void (*deleter)(ManagedVersioned*);
  std::uint64_t flags;
  Tensor tensor;
};

constexpr std::uint64_t kReadOnly = 1;

}  // namespace dlpack

// Somebody's C-contiguous array on a CUDA device, kept alive while the view is.
struct DeviceView {
  void* data = nullptr;
  int device = 0;
  std::string dtype;  // NumPy's name
  std::vector<std::int64_t> shape;
  bool read_only = false;
  std::shared_ptr<void> owner;
};

// The memory of an array (n, columns) that must be on `device`; n is found where `rows` is negative. An array
// that is read may have more dimensions, as images have.
void* require_device_array(const char* name, const DeviceView& view, int device,
                           std::initializer_list<const char*> dtypes, std::int64_t& rows, std::size_t columns,
                           bool is_written);

// Our own array on a CUDA device.
class DeviceArray {
 public:
  DeviceArray(std::vector<std::int64_t> shape, const std::string& dtype, int device);

  const std::vector<std::int64_t>& shape() const { return shape_; }
  const std::string& dtype() const { return dtype_; }
  int device() const { return memory_->device(); }
  py::capsule dlpack(const py::object& max_version) const;
  py::dict interface() const;
  py::array to_host() const;

 private:
  std::vector<std::int64_t> shape_;
  std::string dtype_;
  std::shared_ptr<cuda::Memory> memory_;
};

void bind_device_arrays(py::module_& module);

}  // namespace facetry::bindings
