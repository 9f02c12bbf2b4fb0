// The last step of a cell: it becomes a face, or one for each class.
#include "regions/plane_cells.hpp"
#include "regions/plane_functions.hpp"

namespace facetry {

void CellCutter::emit(const Cell& cell, CellWork& work) const {
  if (outputs_ == PlaneOutputs::kWhole)
    emit_face(cell, cell.polygon, 0, work);
  else
    emit_classes(cell, work);
}

// The upper envelope of the outputs, one output after the other: each takes what it wins from every piece.
// Ties stay with the lower number. Cuts between pieces that a later output wins whole are merged in
// plane_ties.cpp.
void CellCutter::emit_classes(const Cell& cell, CellWork& work) const {
  std::vector<ClassPiece> pieces{{cell.polygon, 0}};
  const std::size_t rounds = outputs_ == PlaneOutputs::kSign ? 2 : network_.output_width;
  for (std::size_t k = 1; k < rounds; ++k) {
    const std::size_t count = pieces.size();
    for (std::size_t p = 0; p < count; ++p) {
      const ClassPiece won = take_won(cell, k, pieces[p], work);
      if (won.polygon.size > 0) pieces.push_back(won);
    }
  }
  for (const ClassPiece& piece : pieces) emit_face(cell, piece.polygon, piece.winner, work);
}

// Cuts off what output k wins. Where it wins all of the piece, the piece is its; the rest is empty then.
CellCutter::ClassPiece CellCutter::take_won(const Cell& cell, std::size_t k, ClassPiece& piece,
                                            CellWork& work) const {
  Arena& arena = work.scratch.arena;
  const double* tolerance = tolerances_.back().data();
  const auto w = static_cast<std::size_t>(piece.winner);
  const bool is_sign = outputs_ == PlaneOutputs::kSign;
  const double sign = outputs_ == PlaneOutputs::kLowest ? -1 : 1;
  double lead[3], rival[3] = {};
  take_function(cell.functions, is_sign ? 0 : k, sign, lead);
  if (!is_sign) take_function(cell.functions, w, sign, rival);
  for (std::size_t i = 0; i < 3; ++i) lead[i] -= rival[i];
  const double zero = is_sign ? tolerance[0] : tolerance[k] + tolerance[w];
  const std::size_t size = piece.polygon.size;
  double* values = arena.take<double>(size);
  auto* signs = arena.take<std::int8_t>(size);
  kernels_.plane.evaluate(lead, piece.polygon.corners, size, values);
  bool is_above = false, is_below = false;
  for (std::size_t i = 0; i < size; ++i) {
    signs[i] = static_cast<std::int8_t>((values[i] > zero) - (values[i] < -zero));
    is_above |= signs[i] > 0;
    is_below |= signs[i] < 0;
  }
  ClassPiece won{{}, static_cast<std::int32_t>(k)};
  if (is_above && !is_below) piece.winner = won.winner;
  if (!is_above || !is_below) return won;
  Polygon lost{arena.take<PlaneCorner>(size + 2), 0};
  won.polygon.corners = arena.take<PlaneCorner>(size + 2);
  work.mesh.cut(piece.polygon, values, signs, static_cast<std::uint32_t>(network_.neurons + k), lost,
                won.polygon);
  piece.polygon = lost;
  return won;
}

void CellCutter::emit_face(const Cell& cell, const Polygon& polygon, std::int32_t winner,
                           CellWork& work) const {
  FaceList& faces = work.faces;
  const auto face = static_cast<std::uint32_t>(faces.ends.size());
  for (std::size_t i = 0; i < polygon.size; ++i) {
    const PlaneCorner& corner = polygon.corners[i];
    faces.corners.push_back(corner.vertex);
    work.mesh.edges[corner.edge / 2].face[corner.edge % 2] = face;
  }
  faces.ends.push_back(faces.corners.size());
  faces.bits.insert(faces.bits.end(), cell.bits, cell.bits + network_.words);
  for (std::size_t output = 0; output < network_.output_width; ++output) {
    double function[3];
    take_function(cell.functions, output, 1, function);
    faces.outputs.insert(faces.outputs.end(), function, function + 3);
  }
  if (outputs_ != PlaneOutputs::kWhole) faces.classes.push_back(winner);
}

}  // namespace facetry
