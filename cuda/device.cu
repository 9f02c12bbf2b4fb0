// Which CUDA devices there are. Nothing here runs at import: the driver is first asked when a caller asks.
#include <unistd.h>

#include <atomic>

#include "cuda/device.cuh"

namespace facetry::cuda {
namespace {

// The process that first used CUDA: a fork does not inherit what the driver holds.
std::atomic<pid_t> first_process{0};

constexpr const char* kForked =
    "CUDA was used before this process was forked, and does not work in the child: start processes with "
    "multiprocessing's 'spawn' method";

}  // namespace

bool is_usable_here() {
  const pid_t first = first_process.load();
  return first == 0 || first == getpid();
}

bool built() { return true; }

std::string why_not() {
  if (!is_usable_here()) return kForked;
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    return cudaGetErrorString(error);
  }
  if (count == 0) return "no CUDA device";
  pid_t nobody = 0;
  first_process.compare_exchange_strong(nobody, getpid());
  return "";
}

int device_count() {
  int count = 0;
  if (why_not().empty()) check(cudaGetDeviceCount(&count));
  return count;
}

void require_device(int device) {
  if (const std::string reason = why_not(); !reason.empty())
    throw std::runtime_error("CUDA cannot be used: " + reason);
  if (const int count = device_count(); device < 0 || device >= count)
    throw std::runtime_error("there is no CUDA device " + std::to_string(device) + ": there are " +
                             std::to_string(count));
}

std::string device_name(int device) {
  require_device(device);
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, device));
  return properties.name;
}

int device_of(const void* pointer) {
  require_device(0);
  cudaPointerAttributes attributes;
  check(cudaPointerGetAttributes(&attributes, pointer));
  return attributes.device;
}

Memory::Memory(int device, std::size_t bytes) : device_(device), bytes_(bytes) {
  require_device(device);
  if (bytes == 0) return;
  const OnDevice guard(device);
  check(cudaMalloc(&data_, bytes));
}

Memory::~Memory() {
  if (data_ && is_usable_here()) static_cast<void>(cudaFree(data_));
}

Memory::Memory(Memory&& other) noexcept : device_(other.device_), bytes_(other.bytes_), data_(other.data_) {
  other.data_ = nullptr;
}

void Memory::copy_to_host(void* to) const {
  require_device(device_);
  if (bytes_ == 0) return;
  const OnDevice guard(device_);
  check(cudaDeviceSynchronize());
  check(cudaMemcpy(to, data_, bytes_, cudaMemcpyDeviceToHost));
}

}  // namespace facetry::cuda
