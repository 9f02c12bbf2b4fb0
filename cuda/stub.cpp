// The backend of a build without nvcc: nothing works, and everything says why.
#include <stdexcept>

#include "cuda/cuda.hpp"
#include "cuda/network/network.hpp"
#include "cuda/points/points.hpp"

namespace facetry::cuda {

bool built() { return false; }
int device_count() { return 0; }
std::string why_not() {
  return "facetry was built without CUDA (no nvcc at build time, or FACETRY_CUDA=OFF)";
}
void require_device(int) { throw std::runtime_error("CUDA cannot be used: " + why_not()); }

std::string device_name(int device) {
  require_device(device);
  return "";
}

int device_of(const void*) {
  require_device(0);
  return 0;
}

Memory::Memory(int device, std::size_t bytes) : device_(device), bytes_(bytes) { require_device(device); }
Memory::~Memory() = default;
Memory::Memory(Memory&&) noexcept = default;
void Memory::copy_to_host(void*) const { require_device(device_); }

template <class T>
struct Network<T>::State {};

template <class T>
Network<T>::Network(const Plan<T>&, int device) {
  require_device(device);
}
template <class T>
Network<T>::~Network() = default;
template <class T>
int Network<T>::device() const {
  return 0;
}
template <class T>
void Network<T>::propagate(const Panel<T>&, bool, void*, void (*)()) const {
  require_device(0);
}

template <class T>
void sobol(const SobolPlan&, std::uint64_t, std::int64_t, T*, int device, void*) {
  require_device(device);
}
template <class T>
void halton(const HaltonPlan&, std::uint64_t, std::uint64_t, std::int64_t, std::int64_t, T*, int device,
            void*) {
  require_device(device);
}

template void sobol(const SobolPlan&, std::uint64_t, std::int64_t, float*, int, void*);
template void sobol(const SobolPlan&, std::uint64_t, std::int64_t, double*, int, void*);
template void halton(const HaltonPlan&, std::uint64_t, std::uint64_t, std::int64_t, std::int64_t, float*, int,
                     void*);
template void halton(const HaltonPlan&, std::uint64_t, std::uint64_t, std::int64_t, std::int64_t, double*,
                     int, void*);
template class Network<float>;
template class Network<double>;

}  // namespace facetry::cuda
