// The CUDA backend behind plain C++ types; stub.cpp gives the same answers for a build without nvcc.
#pragma once

#include <string>

namespace facetry::cuda {

bool built();
int device_count();     // 0 where there is no driver or no card
std::string why_not();  // "" where a device can be used
std::string device_name(int device);

}  // namespace facetry::cuda
