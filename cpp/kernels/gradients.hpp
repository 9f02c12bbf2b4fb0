// Derivatives with the activation pattern fixed: the gate of a layer, and products with the rows that it lets
// through.
#pragma once

#include <cstddef>
#include <cstdint>

namespace facetry {

// output[i] = sum over k of weights[i][k] * input[k] for the k listed, ascending: z = 0; z = fma(w, a, z).
// Skipped terms are zeros, so the bits are those of the dense kernel without a bias.
template <class T>
struct SweepCall {
  std::size_t rows = 0;     // of weights and output
  std::size_t columns = 0;  // of input and output; both are padded to a multiple of the family's
  const T* weights = nullptr;
  std::size_t weights_stride = 0;
  const std::uint32_t* active = nullptr;
  std::size_t actives = 0;
  const T* input = nullptr;
  std::size_t input_stride = 0;
  T* output = nullptr;
  std::size_t output_stride = 0;
};

template <class T>
struct GradientFamily {
  std::size_t columns;  // of a block of the sweep
  // values[j] stays where bit j is 1; elsewhere it is multiplied by slopes[j], or +0 where there are none.
  // Values and slopes are padded to a multiple of 64.
  void (*gate)(T* values, std::size_t width, const std::uint64_t* bits, const T* slopes);
  void (*sweep)(const SweepCall<T>&);
  // A copy past the caches, for results that are not read again soon; fence() before others may read them.
  void (*stream)(const T* from, T* to, std::size_t size);
  void (*fence)();
};

struct GradientKernels {
  GradientFamily<float> f32;
  GradientFamily<double> f64;

  template <class T>
  const GradientFamily<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float))
      return f32;
    else
      return f64;
  }
};

}  // namespace facetry
