// z = W a + b over a panel of rows, with the activation and its bits in the same pass.
#pragma once

#include <cstddef>
#include <cstdint>

namespace facetry {

enum class Activation { kNone, kRelu, kSlopes };

// Every output is z = bias; for k ascending: z = fma(weight[k], input[k], z), in T. A row's bit is 1 iff z >
// 0. kRelu gives z > 0 ? z : +0, kSlopes z > 0 ? z : slope * z; both pass NaN on.
template <class T>
struct DenseCall {
  std::size_t rows = 0;
  std::size_t depth = 0;   // inputs of a row
  std::size_t blocks = 0;  // blocks of `columns` outputs (of `narrow` outputs when is_narrow)
  bool is_narrow = false;
  Activation activation = Activation::kNone;
  const T* input = nullptr;
  std::size_t input_stride = 0;
  const T* weights = nullptr;  // [block][depth][column], padded with zeros
  const T* bias = nullptr;     // [block][column], padded with zeros
  const T* slopes = nullptr;   // likewise, for kSlopes
  T* output = nullptr;
  std::size_t output_stride = 0;
  std::uint8_t* bits = nullptr;  // column j is bit j % 8 of byte j / 8; none for kNone
  std::size_t bits_stride = 0;   // bytes from row to row
};

template <class T>
struct DenseFamily {
  std::size_t rows;  // of the register block: panels are multiples of it
  double speed;      // multiply-adds of one core in a nanosecond, roughly: how large an item of work may be
  std::size_t columns;  // of a packed block
  std::size_t narrow;   // of a packed block for layers of at most this width
  void (*dense)(const DenseCall<T>&);
  // The activation alone, in place on `output` (blocks = width in columns; no weights). Bits past it are 0.
  void (*activate)(const DenseCall<T>&);
  // output = fma(weights, input, bias), element by element (blocks = width in columns).
  void (*scale)(const DenseCall<T>&);
  // Index of the first NaN or infinity, or size.
  std::size_t (*first_nonfinite)(const T* values, std::size_t size);
};

struct DenseKernels {
  DenseFamily<float> f32;
  DenseFamily<double> f64;

  template <class T>
  const DenseFamily<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float))
      return f32;
    else
      return f64;
  }
};

}  // namespace facetry
