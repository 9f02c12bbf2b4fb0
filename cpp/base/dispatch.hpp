// The table of kernels in use: the widest instruction set of this CPU, or the one FACETRY_ISA names.
#pragma once

#include <string>
#include <vector>

#include "kernels/bits.hpp"
#include "kernels/dense.hpp"
#include "kernels/gradients.hpp"
#include "kernels/points.hpp"
#include "kernels/segment.hpp"

namespace facetry {

struct Kernels {
  const char* name;
  const DenseKernels& dense;
  const BitKernels& bits;
  const PointKernels& points;
  const GradientKernels& gradients;
  const SegmentKernels& segment;
};

const Kernels& kernels();

// Instruction sets that this build has and this CPU runs, widest first.
std::vector<std::string> available_isas();
// Throws std::invalid_argument, naming the ones there are, for an unknown or unsupported name.
void use_isa(const std::string& name);

}  // namespace facetry
