// Rows of numbers for margins: sums over a gradient, and the test that leaves a neuron out.
#pragma once

#include <cstddef>
#include <cstdint>

namespace facetry {

enum class Sum { kAbsolute, kSquares, kLargest };

struct MarginKernels {
  // The sum of |v|, of v * v, or the largest |v|, in double: 16 partial sums, number i of values[i + 16 k],
  // added in halves (0 and 8, ...). The same bits on every instruction set.
  double (*sum32)(const float* values, std::size_t size, Sum sum);
  double (*sum64)(const double* values, std::size_t size, Sum sum);
  // output[j] = 1 where bit j is 1, elsewhere squares[j], or 0 where there are none; `width` is a multiple of
  // 64.
  void (*gate_squares)(const std::uint64_t* bits, std::size_t width, const float* squares, float* output);
  // output[j] = sqrt(squares[j]) * factors[j].
  void (*roots)(const float* squares, const double* factors, std::size_t width, double* output);
  // Bit j of `bits` is 1 unless heights[j] > limit * norms[j]; bits past the width are 0.
  void (*within)(const double* heights, const double* norms, double limit, std::size_t width,
                 std::uint64_t* bits);
  // heights[j] = |values[j]| * keep - (norms[j] * per_norm + biases[j] * per_bias + floor), without the last
  // term where norms[j] is 0; returns whether all are above 0, or have a norm of 0.
  bool (*certain_heights)(const double* values, const double* norms, const double* biases, double per_norm,
                          double per_bias, double floor, std::size_t width, double* heights);
  // Moves along each axis that bring a neuron of the given height and gradient to 0: upwards where side * g
  // is below 0, downwards where it is above; each is kept where it is the least.
  void (*axis_distances)(const double* gradient, std::size_t width, double height, double side, double* down,
                         double* up);

  double sum(const float* values, std::size_t size, Sum kind) const { return sum32(values, size, kind); }
  double sum(const double* values, std::size_t size, Sum kind) const { return sum64(values, size, kind); }
};

}  // namespace facetry
