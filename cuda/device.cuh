// Errors, the current device, and memory from a pool in the order of a stream.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>

#include "cuda/cuda.hpp"

namespace facetry::cuda {

class OutOfMemory : public std::bad_alloc {
 public:
  const char* what() const noexcept override {
    return "the CUDA device is out of memory: work in blocks of points";
  }
};

// Every call of the CUDA runtime goes through here. The error is taken off the runtime, so that a later call
// does not report it again.
inline void check(cudaError_t error) {
  if (error == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());
  if (error == cudaErrorMemoryAllocation) throw OutOfMemory();
  throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(error));
}

// False in a process that was forked from one that had used CUDA; nothing can be freed there.
bool is_usable_here();

// Makes a device current for a scope.
class OnDevice {
 public:
  explicit OnDevice(int device) {
    check(cudaGetDevice(&before_));
    check(cudaSetDevice(device));
  }
  ~OnDevice() { static_cast<void>(cudaSetDevice(before_)); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

 private:
  int before_ = 0;
};

// A pool that keeps its memory between calls; its owner's destruction gives the memory back.
class Pool {
 public:
  explicit Pool(int device) {
    cudaMemPoolProps properties{};
    properties.allocType = cudaMemAllocationTypePinned;
    properties.location.type = cudaMemLocationTypeDevice;
    properties.location.id = device;
    check(cudaMemPoolCreate(&pool_, &properties));
    std::uint64_t keep = ~std::uint64_t{0};
    check(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep));
  }
  ~Pool() {
    if (is_usable_here()) static_cast<void>(cudaMemPoolDestroy(pool_));
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  cudaMemPool_t get() const { return pool_; }

 private:
  cudaMemPool_t pool_ = nullptr;
};

// Memory for work on one stream; free again when the work asked for so far is done.
template <class T>
class Buffer {
 public:
  Buffer(std::size_t size, const Pool& pool, cudaStream_t stream) : stream_(stream) {
    if (size == 0) return;
    void* data = nullptr;
    check(cudaMallocFromPoolAsync(&data, size * sizeof(T), pool.get(), stream));
    data_ = static_cast<T*>(data);
  }
  ~Buffer() {
    if (data_) static_cast<void>(cudaFreeAsync(data_, stream_));
  }
  Buffer(Buffer&& other) noexcept : data_(other.data_), stream_(other.stream_) { other.data_ = nullptr; }
  Buffer& operator=(Buffer&&) = delete;

  T* data() const { return data_; }

 private:
  T* data_ = nullptr;
  cudaStream_t stream_;
};

}  // namespace facetry::cuda
