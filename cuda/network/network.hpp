// A network on one CUDA device.
#pragma once

#include <memory>

#include "cuda/network/packed.hpp"

namespace facetry::cuda {

template <class T>
class Network {
 public:
  // Uploads the parameters.
  Network(const Plan<T>& plan, int device);
  ~Network();

  int device() const;

  // Computes on `stream` (a cudaStream_t; null: the legacy default stream) what the batch wants, all of it in
  // the memory of the device, or of the host. Waits for the end. Calls between_panels now and then; it may
  // throw. Throws std::invalid_argument naming the first element of x that is NaN or infinite.
  void propagate(const Panel<T>& batch, bool on_host, void* stream, void (*between_panels)()) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

extern template class Network<float>;
extern template class Network<double>;

}  // namespace facetry::cuda
