// The pieces of a plane that were cut apart from each other, put together: a seam was cut on both sides by
// the same lines, so that its two trees of edges are walked side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "regions/plane_cells.hpp"

namespace facetry {

// The cells inside one cell of the trunk. The corners and edges of that cell are the first vertices and
// edges.
struct CellTask {
  CellWork work;
  std::vector<std::uint32_t> trunk_vertices, trunk_edges;
  bool has_begun = false, is_inconsistent = false;
};

class PlaneMerge {
 public:
  PlaneMerge(const PlaneMesh& trunk, std::vector<CellTask>& tasks, const PlaneNetwork& network,
             PlaneOutputs outputs);

  // First the seams and the numbers; throws InconsistentCut. Then every task is written, in any order.
  void join();
  void write(std::size_t task);
  PlaneComplex take() { return std::move(complex_); }

 private:
  struct Side {
    std::uint32_t task = kNoId, edge = 0;
  };
  struct SharedVertex {
    std::uint32_t task, vertex, owner, owners_vertex;
  };
  // The face of another task beside an edge.
  struct SeamFace {
    std::uint32_t edge, side;
    std::int32_t face;
  };
  struct Piece {
    std::vector<std::int32_t> vertex_ids;
    std::vector<SeamFace> seam_faces;
    std::size_t first_edge = 0, first_face = 0, first_corner = 0;
    std::int32_t first_vertex = 0, end_vertex = 0;  // the piece's own
  };

  void join_seam(Side left, Side right);
  void number_faces();
  void number_vertices();
  void number_edges();
  void write_edges(std::size_t task);

  const PlaneMesh& trunk_;
  std::vector<CellTask>& tasks_;
  const std::size_t words_, output_width_;
  const bool has_classes_;
  const std::size_t neurons_;
  std::vector<Piece> pieces_;
  std::vector<SharedVertex> shared_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> stack_;  // of join_seam
  PlaneComplex complex_;
};

}  // namespace facetry
