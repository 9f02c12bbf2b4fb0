// Which CUDA devices there are. Nothing here runs at import: the driver is first asked when a caller asks.
#include <cuda_runtime.h>

#include <stdexcept>

#include "cuda.hpp"

namespace facetry::cuda {

bool built() { return true; }

int device_count() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

std::string why_not() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) return cudaGetErrorString(error);
  return count > 0 ? "" : "no CUDA device";
}

std::string device_name(int device) {
  if (const std::string reason = why_not(); !reason.empty()) throw std::runtime_error(reason);
  cudaDeviceProp properties;
  if (const cudaError_t error = cudaGetDeviceProperties(&properties, device); error != cudaSuccess)
    throw std::runtime_error(cudaGetErrorString(error));
  return properties.name;
}

}  // namespace facetry::cuda
