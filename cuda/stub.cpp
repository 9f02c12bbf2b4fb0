#include <stdexcept>

#include "cuda.hpp"

namespace facetry::cuda {

bool built() { return false; }
int device_count() { return 0; }
std::string why_not() { return "facetry was built without CUDA (no nvcc at build time, or FACETRY_CUDA=OFF)"; }
std::string device_name(int) { throw std::runtime_error(why_not()); }

}  // namespace facetry::cuda
