// Vertices and rays of one or of many polytopes, with the rows that hold at each and the edges between them.
#pragma once

#include <cstdint>
#include <vector>

#include "polytope/skeleton.hpp"

namespace facetry::polytope {

// Of many polytopes, one after the other; polytope i has the items offsets[i] .. offsets[i + 1].
struct VertexForms {
  std::size_t dimension = 0;
  std::vector<double> vertices, rays;  // rays have length 1; a line is two of them
  std::vector<std::int64_t> vertex_offsets{0}, ray_offsets{0};
  // Rows that hold with equality, of every vertex and then of every ray of a polytope.
  std::vector<std::int32_t> incidence;
  std::vector<std::int64_t> incidence_offsets{0};
  // Pairs of vertices, or of a vertex and a ray (numbered after the vertices) that an unbounded edge follows.
  std::vector<std::int32_t> edges;
  std::vector<std::int64_t> edge_offsets{0};
};

// Row r of polytope i is row offsets[i] + r.
VertexForms vertex_forms(const HalfSpaces& rows, std::span<const std::int64_t> offsets, bool with_faces,
                         const SkeletonOptions& options);

// Whether a row holds with equality everywhere.
bool is_flat(const Skeleton& skeleton);

}  // namespace facetry::polytope
