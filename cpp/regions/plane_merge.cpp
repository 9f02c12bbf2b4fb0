#include "regions/plane_merge.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace facetry {
namespace {

constexpr std::uint32_t kDropped = kNoId - 1;  // as an edge's half: the other side of the seam keeps it
constexpr std::int32_t kUnnumbered = -1;

std::int32_t checked(std::size_t number, const char* what) {
  if (number > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    throw std::length_error(std::string("more than 2^31 - 1 ") + what);
  return static_cast<std::int32_t>(number);
}

}  // namespace

PlaneMerge::PlaneMerge(const PlaneMesh& trunk, std::vector<CellTask>& tasks, const PlaneNetwork& network,
                       PlaneOutputs outputs)
    : trunk_(trunk),
      tasks_(tasks),
      words_(network.words),
      output_width_(network.output_width),
      has_classes_(outputs != PlaneOutputs::kWhole),
      neurons_(network.neurons),
      pieces_(tasks.size()) {}

void PlaneMerge::join() {
  number_faces();
  for (std::size_t t = 0; t < tasks_.size(); ++t) {
    std::vector<std::int32_t>& ids = pieces_[t].vertex_ids;
    ids.assign(tasks_[t].work.mesh.vertices.size(), kUnnumbered);
    for (std::size_t i = 0; i < tasks_[t].trunk_vertices.size(); ++i)
      ids[i] = static_cast<std::int32_t>(tasks_[t].trunk_vertices[i]);
  }
  std::vector<Side> sides(2 * trunk_.edges.size());
  for (std::uint32_t t = 0; t < tasks_.size(); ++t) {
    const std::vector<std::uint32_t>& edges = tasks_[t].trunk_edges;
    for (std::uint32_t i = 0; i < edges.size(); ++i) sides[edges[i]] = {t, i};
  }
  for (std::size_t edge = 0; edge < trunk_.edges.size(); ++edge)
    if (sides[2 * edge].task != kNoId && sides[2 * edge + 1].task != kNoId)
      join_seam(sides[2 * edge], sides[2 * edge + 1]);
  number_vertices();
  number_edges();
}

// The task of the lower number keeps the edges and vertices of the seam.
void PlaneMerge::join_seam(Side left, Side right) {
  stack_.assign({{left.edge, right.edge}});
  while (!stack_.empty()) {
    const auto [l, r] = stack_.back();
    stack_.pop_back();
    PlaneEdge& one = tasks_[left.task].work.mesh.edges[l];
    PlaneEdge& other = tasks_[right.task].work.mesh.edges[r];
    if (one.half == kNoId || other.half == kNoId) {
      if (one.half != other.half) throw InconsistentCut{};
      const bool keeps_left = left.task < right.task;
      const Side keeper = keeps_left ? left : right, away = keeps_left ? right : left;
      const std::uint32_t side = keeps_left ? 1 : 0;  // of the keeper's edge, where the other task's face is
      const std::uint32_t face = (keeps_left ? other : one).face[side];
      if (face == kNoId) throw InconsistentCut{};
      pieces_[keeper.task].seam_faces.push_back(
          {keeps_left ? l : r, side, static_cast<std::int32_t>(pieces_[away.task].first_face + face)});
      (keeps_left ? other : one).half = kDropped;
      continue;
    }
    if (one.cut != other.cut) throw InconsistentCut{};
    const std::uint32_t left_middle = tasks_[left.task].work.mesh.edges[one.half].end;
    const std::uint32_t right_middle = tasks_[right.task].work.mesh.edges[other.half].end;
    if (left.task < right.task)
      shared_.push_back({right.task, right_middle, left.task, left_middle});
    else
      shared_.push_back({left.task, left_middle, right.task, right_middle});
    stack_.push_back({one.half, other.half});
    stack_.push_back({one.half + 1, other.half + 1});
  }
}

void PlaneMerge::number_faces() {
  std::size_t faces = 0, corners = 0;
  for (std::size_t t = 0; t < tasks_.size(); ++t) {
    pieces_[t].first_face = faces;
    pieces_[t].first_corner = corners;
    faces += tasks_[t].work.faces.ends.size();
    corners += tasks_[t].work.faces.corners.size();
  }
  checked(faces, "faces");
  complex_.face_ends = PlaneArray<std::int64_t>(faces);
  complex_.face_corners = PlaneArray<std::int32_t>(corners);
  complex_.bits = PlaneArray<std::uint64_t>(faces * words_);
  complex_.outputs = PlaneArray<double>(faces * output_width_ * 3);
  if (has_classes_) complex_.classes = PlaneArray<std::int32_t>(faces);
}

void PlaneMerge::number_vertices() {
  constexpr std::int32_t kElsewhere = -2;
  for (const SharedVertex& v : shared_) pieces_[v.task].vertex_ids[v.vertex] = kElsewhere;
  std::size_t vertices = trunk_.vertices.size();
  for (Piece& piece : pieces_) {
    piece.first_vertex = checked(vertices, "vertices");
    for (std::int32_t& id : piece.vertex_ids)
      if (id == kUnnumbered) id = checked(vertices++, "vertices");
    piece.end_vertex = checked(vertices, "vertices");
  }
  for (const SharedVertex& v : shared_)
    pieces_[v.task].vertex_ids[v.vertex] = pieces_[v.owner].vertex_ids[v.owners_vertex];
  complex_.vertices = PlaneArray<double>(2 * vertices);
  for (std::size_t i = 0; i < trunk_.vertices.size(); ++i) {
    complex_.vertices[2 * i] = trunk_.vertices[i].x;
    complex_.vertices[2 * i + 1] = trunk_.vertices[i].y;
  }
}

void PlaneMerge::number_edges() {
  std::size_t edges = 0;
  for (std::size_t t = 0; t < tasks_.size(); ++t) {
    pieces_[t].first_edge = edges;
    for (const PlaneEdge& edge : tasks_[t].work.mesh.edges) edges += edge.half == kNoId;
  }
  checked(edges, "edges");
  complex_.edges = PlaneArray<std::int32_t>(2 * edges);
  complex_.edge_faces = PlaneArray<std::int32_t>(2 * edges);
  complex_.edge_neurons = PlaneArray<std::int32_t>(edges);
}

void PlaneMerge::write(std::size_t task) {
  const Piece& piece = pieces_[task];
  const CellWork& work = tasks_[task].work;
  const FaceList& faces = work.faces;
  const std::size_t corners = tasks_[task].trunk_vertices.size();
  for (std::size_t i = corners; i < work.mesh.vertices.size(); ++i) {
    if (piece.vertex_ids[i] < piece.first_vertex || piece.vertex_ids[i] >= piece.end_vertex) continue;
    const auto id = static_cast<std::size_t>(piece.vertex_ids[i]);
    complex_.vertices[2 * id] = work.mesh.vertices[i].x;
    complex_.vertices[2 * id + 1] = work.mesh.vertices[i].y;
  }
  for (std::size_t i = 0; i < faces.corners.size(); ++i)
    complex_.face_corners[piece.first_corner + i] = piece.vertex_ids[faces.corners[i]];
  for (std::size_t i = 0; i < faces.ends.size(); ++i)
    complex_.face_ends[piece.first_face + i] = static_cast<std::int64_t>(piece.first_corner + faces.ends[i]);
  std::copy(faces.bits.begin(), faces.bits.end(), complex_.bits.data.get() + piece.first_face * words_);
  std::copy(faces.outputs.begin(), faces.outputs.end(),
            complex_.outputs.data.get() + piece.first_face * output_width_ * 3);
  std::copy(faces.classes.begin(), faces.classes.end(),
            complex_.classes.data.get() + (has_classes_ ? piece.first_face : 0));
  write_edges(task);
}

// Every edge has two faces, or one and lies on the domain's boundary.
void PlaneMerge::write_edges(std::size_t task) {
  Piece& piece = pieces_[task];
  std::sort(piece.seam_faces.begin(), piece.seam_faces.end(),
            [](const SeamFace& a, const SeamFace& b) { return a.edge < b.edge; });
  auto seam = piece.seam_faces.begin();
  std::size_t at = piece.first_edge;
  const std::vector<PlaneEdge>& edges = tasks_[task].work.mesh.edges;
  for (std::uint32_t i = 0; i < edges.size(); ++i) {
    const PlaneEdge& edge = edges[i];
    if (edge.half == kDropped) continue;
    if (edge.half != kNoId) {
      if (edge.face[0] != kNoId || edge.face[1] != kNoId) throw InconsistentCut{};
      continue;
    }
    std::int32_t* faces = &complex_.edge_faces[2 * at];
    for (std::size_t side = 0; side < 2; ++side)
      faces[side] = edge.face[side] == kNoId ? kPlaneOutside
                                             : static_cast<std::int32_t>(piece.first_face + edge.face[side]);
    if (seam != piece.seam_faces.end() && seam->edge == i) {
      faces[seam->side] = seam->face;
      ++seam;
    }
    const bool is_inner = faces[0] != kPlaneOutside && faces[1] != kPlaneOutside;
    if (is_inner == (edge.line == kNoId) || faces[0] == faces[1]) throw InconsistentCut{};
    complex_.edges[2 * at] = piece.vertex_ids[edge.begin];
    complex_.edges[2 * at + 1] = piece.vertex_ids[edge.end];
    complex_.edge_neurons[at++] = edge.line == kNoId      ? kPlaneBoundary
                                  : edge.line >= neurons_ ? kPlaneTie
                                                          : static_cast<std::int32_t>(edge.line);
  }
}

}  // namespace facetry
