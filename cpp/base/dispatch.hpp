// The table of kernels in use: the widest instruction set of this CPU, or the one FACETRY_ISA names.
#pragma once

#include <string>
#include <vector>

#include "kernels/bits.hpp"
#include "kernels/box.hpp"
#include "kernels/dense.hpp"
#include "kernels/gradients.hpp"
#include "kernels/lp.hpp"
#include "kernels/margins.hpp"
#include "kernels/plane.hpp"
#include "kernels/points.hpp"
#include "kernels/products.hpp"
#include "kernels/segment.hpp"
#include "kernels/vertices.hpp"

namespace facetry {

// X(type of the table, member of Kernels, the table of each instruction set)
#define FACETRY_KERNEL_TABLES(X)                  \
  X(DenseKernels, dense, dense_kernels)           \
  X(BitKernels, bits, bit_kernels)                \
  X(BoxKernels, boxes, box_kernels)               \
  X(PointKernels, points, point_kernels)          \
  X(GradientKernels, gradients, gradient_kernels) \
  X(LpKernels, lp, lp_kernels)                    \
  X(MarginKernels, margins, margin_kernels)       \
  X(ProductKernels, products, product_kernels)    \
  X(PlaneKernels, plane, plane_kernels)           \
  X(SegmentKernels, segment, segment_kernels)     \
  X(VertexKernels, vertices, vertex_kernels)

struct Kernels {
  const char* name;
#define FACETRY_MEMBER(type, member, table) const type& member;
  FACETRY_KERNEL_TABLES(FACETRY_MEMBER)
#undef FACETRY_MEMBER
};

const Kernels& kernels();

// Instruction sets that this build has and this CPU runs, widest first.
std::vector<std::string> available_isas();
// Throws std::invalid_argument, naming the ones there are, for an unknown or unsupported name.
void use_isa(const std::string& name);

}  // namespace facetry
