// A block of threads on the device: what network/emulate.cpp has on the host.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace facetry::cuda {

template <class State>
struct DeviceBlock {
  struct Thread {
    int index;
    State state;

    // Copies from global to shared memory behind the thread's back, until it waits.
    template <std::size_t Bytes>
    __device__ void copy(void* to, const void* from) {
      const auto address = static_cast<unsigned>(__cvta_generic_to_shared(to));
      if constexpr (Bytes == 16)
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address), "l"(from) : "memory");
      else
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(address), "l"(from), "n"(Bytes)
                     : "memory");
    }
    __device__ void wait() { asm volatile("cp.async.wait_all;" ::: "memory"); }
  };

  Thread thread;

  template <class F>
  __device__ void each(F&& f) {
    f(thread);
  }
  __device__ void barrier() { __syncthreads(); }
  template <class T>
  __device__ T* shared() {
    extern __shared__ __align__(16) unsigned char facetry_shared_memory[];
    return reinterpret_cast<T*>(facetry_shared_memory);
  }
};

}  // namespace facetry::cuda
