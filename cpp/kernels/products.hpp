// Matrix products for the training losses, whose weights change at every call: operands as they lie in
// memory, and rows of active columns pressed together and spread out again.
#pragma once

#include <cstddef>
#include <cstdint>

namespace facetry {

// out[i][j] = sum over k, ascending, of left[i * left_row + k * left_depth] * right[k][j], by fma. The order
// holds for a given call on every instruction set, so results are the same bits.
template <class T>
struct ProductCall {
  std::size_t rows = 0;
  std::size_t depth = 0;
  std::size_t columns = 0;  // right and out are padded to a multiple of the family's lanes
  const T* left = nullptr;
  std::size_t left_row = 0;
  std::size_t left_depth = 1;
  const T* right = nullptr;
  std::size_t right_stride = 0;
  T* out = nullptr;
  std::size_t out_stride = 0;
  bool is_added = false;  // the sum starts at out[i][j], not at 0
  bool is_lower = false;  // only j <= i is wanted; above the diagonal out may hold anything
};

template <class T>
struct ProductFamily {
  std::size_t lanes;
  void (*product)(const ProductCall<T>&);
  // to = the values whose bit is 1, in order, then `lanes` zeros. `from` is padded to a multiple of lanes,
  // and bits past the width are 0.
  void (*compress)(const T* from, std::size_t width, const std::uint64_t* bits, T* to);
  // to[j] += the next value of `from`, where bit j is 1. Both are padded to a multiple of lanes.
  void (*expand_add)(const T* from, std::size_t width, const std::uint64_t* bits, T* to);
};

struct ProductKernels {
  ProductFamily<float> f32;
  ProductFamily<double> f64;

  template <class T>
  const ProductFamily<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float))
      return f32;
    else
      return f64;
  }
};

}  // namespace facetry
