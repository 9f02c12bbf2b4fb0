// Gradients of every neuron with respect to the inputs, with patterns fixed (Lee et al. 2019, section 4.1 and
// Appendices C and D).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "network/network.hpp"

namespace facetry {

enum class GradientMethod {
  kAuto,          // the one with the least multiplications
  kPerturbation,  // unit vectors forward: a point's axes share the weights
  kDynamic,       // J = W D J, layer by layer, over the active columns only
  kBackprop,      // one row a neuron, backwards
};

// Neurons have the numbers of a row of pre-activations; the outputs follow them.
template <class T>
struct GradientCall {
  std::size_t patterns = 0;
  const std::uint64_t* bits = nullptr;    // (patterns, words)
  std::span<const std::int64_t> axes;     // inputs
  std::span<const std::int64_t> neurons;  // rows of every Jacobian, in this order
  T* out = nullptr;                       // (patterns, neurons, axes)
  GradientMethod method = GradientMethod::kAuto;
};

// Perturbation and dynamic programming add the same numbers in the same order: they give the same bits.
template <class T>
void neuron_gradients(const Network<T>& network, const GradientCall<T>& call);

// rows of cotangents of the outputs (patterns * repeat, outputs) to cotangents of the inputs.
template <class T>
void pull_back(const Network<T>& network, std::size_t rows, std::size_t repeat, const std::uint64_t* bits,
               const T* cotangents, T* out);

extern template void neuron_gradients(const Network<float>&, const GradientCall<float>&);
extern template void neuron_gradients(const Network<double>&, const GradientCall<double>&);
extern template void pull_back(const Network<float>&, std::size_t, std::size_t, const std::uint64_t*,
                               const float*, float*);
extern template void pull_back(const Network<double>&, std::size_t, std::size_t, const std::uint64_t*,
                               const double*, double*);

}  // namespace facetry
