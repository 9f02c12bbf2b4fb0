// Points: rows of Sobol states stepped along the Gray code, and columns of Halton coordinates.
#pragma once

#include <cstddef>
#include <cstdint>

namespace facetry {

// Words of all rows are padded to a multiple of this, so that kernels load whole registers.
inline constexpr std::size_t kPointPadding = 16;

template <class T>
struct SobolCall {
  std::uint32_t* high;  // digits 0-31 of the present row, stepped in place
  std::uint32_t* low;   // digits 32-63, or null where there are none
  const std::uint32_t*
      step_high;  // row c: the change from index i to i + 1, where i + 1 has c trailing zeros
  const std::uint32_t* step_low;
  std::size_t step_stride;
  const std::uint32_t* key_low;  // Owen scrambling; null for none
  const std::uint32_t* key_high;
  std::uint32_t mask_high;  // digits that are kept after scrambling
  std::uint32_t mask_low;
  std::uint64_t index;  // of the first row
  std::size_t rows;
  std::size_t width;
  T* out;
  std::size_t out_stride;
};

struct OwenStep {
  std::uint32_t digit;
  std::uint32_t base;
  std::size_t position;
  std::uint64_t reciprocal;
  std::uint64_t fraction;  // of the digit's weight
  std::uint32_t rest;
};

struct PointKernels {
  void (*sobol32)(const SobolCall<float>&);
  void (*sobol64)(const SobolCall<double>&);
  // out[i] = (first + i) * weight.
  void (*multiples)(std::int32_t first, std::size_t n, double weight, double* out);
  // out[i] = values[i] + terms[0] + terms[1] + ..., added in this order. values may be out.
  void (*add_terms)(const double* values, std::size_t n, const double* terms, std::size_t count, double* out);
  // out[i] = points::to_unit<double>(fractions[i] + fraction).
  void (*add_fraction)(const std::uint64_t* fractions, std::size_t n, std::uint64_t fraction, double* out);
  // Each state i takes the same digit: points::owen_step.
  void (*owen_steps)(const OwenStep& step, std::size_t n, std::uint64_t* values, std::uint64_t* nodes,
                     std::uint64_t* shifts);
  // out[i] = points::to_unit<double>(values[i] + shifts[i] * fraction), fractions of 2^64.
  void (*owen_ends)(std::uint64_t fraction, std::size_t n, const std::uint64_t* values,
                    const std::uint64_t* shifts, double* out);
  // out[i * out_stride + j] = columns[j * stride + i], in float cut to 24 binary digits.
  void (*interleave32)(const double* columns, std::size_t stride, std::size_t n, std::size_t width,
                       float* out, std::size_t out_stride);
  void (*interleave64)(const double* columns, std::size_t stride, std::size_t n, std::size_t width,
                       double* out, std::size_t out_stride);
};

}  // namespace facetry
