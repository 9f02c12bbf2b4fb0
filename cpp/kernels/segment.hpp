// Rows of pre-activations along a segment, in float64: a row is offset + u * slope between two neighbouring
// kinks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace facetry {

// The pre-activations of a layer right behind one neuron of the layer before: offset += c * w, slope += s *
// w, then z = fma(u, slope, offset), where w is that neuron's column of the weights, packed as for the dense
// kernel. A value counts as positive (negative) from the neuron's tolerance on; `floor` holds the tolerances
// with their sign turned.
struct AdvanceCall {
  std::size_t width = 0;  // rows are padded to a multiple of 64
  double* offset = nullptr;
  double* slope = nullptr;
  double c = 0;
  double s = 0;
  const double* weights = nullptr;  // of the neuron in the first block
  unsigned log2_columns = 0;        // of the dense kernel's blocks
  std::size_t block_stride = 0;     // from block to block
  double u = 0;
  const double* floor = nullptr;
  double* z = nullptr;
  std::uint64_t* positive = nullptr;  // (width + 63) / 64 words each; bits past the width are 0
  std::uint64_t* negative = nullptr;
};

struct SegmentKernels {
  void (*advance)(const AdvanceCall&);
  // offset += c * w and slope += s * w alone.
  void (*turn)(const AdvanceCall&);
  // Bit j of positive (negative): z[j] > -floor[j] (z[j] < floor[j]).
  void (*signs)(const double* z, const double* floor, std::size_t width, std::uint64_t* positive,
                std::uint64_t* negative);
  // out = activation of fma(u, slope, offset); no slopes of the activation: ReLU.
  void (*activated)(const double* offset, const double* slope, double u, const double* activation,
                    std::size_t width, double* out);
  // The same of fma(u, to - from, from).
  void (*activated_between)(const double* from, const double* to, double u, const double* activation,
                            std::size_t width, double* out);
};

}  // namespace facetry
