// The CUDA backend behind plain C++ types; stub.cpp gives the same answers for a build without nvcc. Errors
// are std::runtime_error with CUDA's text, memory that is not there std::bad_alloc.
#pragma once

#include <cstddef>
#include <string>

namespace facetry::cuda {

bool built();
int device_count();     // 0 where there is no driver or no card
std::string why_not();  // "" where a device can be used
std::string device_name(int device);

// Throws why_not(), or that there are fewer devices.
void require_device(int device);
// The device that holds the memory at a pointer.
int device_of(const void* pointer);

// Device memory, ready for every stream.
class Memory {
 public:
  Memory(int device, std::size_t bytes);
  ~Memory();
  Memory(Memory&& other) noexcept;
  Memory& operator=(Memory&&) = delete;

  void* data() const { return data_; }
  int device() const { return device_; }
  std::size_t bytes() const { return bytes_; }

  // Waits for all work of the device that was asked for before.
  void copy_to_host(void* to) const;

 private:
  int device_;
  std::size_t bytes_;
  void* data_ = nullptr;
};

}  // namespace facetry::cuda
