#include "regions/plane_mesh.hpp"

#include <limits>
#include <stdexcept>

namespace facetry {
namespace {

constexpr std::size_t kMostIds = std::numeric_limits<std::int32_t>::max();

// A corner on the line stays there only where the polygon crosses the line: it leaves one sign and meets the
// other at the next corner. Of several corners on the line the last one stays.
void settle(std::int8_t* signs, std::size_t size) {
  std::size_t first = 0;
  while (signs[first] == 0) ++first;
  std::size_t changes = 0;
  std::int8_t last = signs[first];
  for (std::size_t step = 1; step <= size; ++step) {
    const std::size_t i = (first + step) % size;
    const std::int8_t next = signs[(i + 1) % size];
    if (signs[i] == 0) {
      if (next == 0 || next == last) signs[i] = last;
    } else if (signs[i] != last) {
      last = signs[i];
      ++changes;
    }
  }
  if (changes != 2) throw InconsistentCut{};
}

}  // namespace

std::uint32_t PlaneMesh::add_vertex(double x, double y) {
  if (vertices.size() >= kMostIds) throw std::length_error("more than 2^31 - 1 vertices");
  vertices.push_back({x, y});
  return static_cast<std::uint32_t>(vertices.size() - 1);
}

std::uint32_t PlaneMesh::add_edge(std::uint32_t begin, std::uint32_t end, std::uint32_t line) {
  if (edges.size() >= kMostIds) throw std::length_error("more than 2^31 - 1 edges");
  PlaneEdge edge;
  edge.begin = begin;
  edge.end = end;
  edge.line = line;
  edges.push_back(edge);
  return static_cast<std::uint32_t>(edges.size() - 1);
}

PlaneMesh::Crossing PlaneMesh::cross(const PlaneCorner& from, const PlaneCorner& to, double from_value,
                                     double to_value, std::uint32_t line) {
  const std::uint32_t edge = from.edge / 2, reversed = from.edge % 2;
  std::uint32_t half = edges[edge].half;
  if (half == kNoId) {
    // From the edge's begin to its end, so that both sides would compute the same point.
    const PlaneCorner& begin = reversed ? to : from;
    const PlaneCorner& end = reversed ? from : to;
    const double value = reversed ? to_value : from_value;
    const double t = value / (value - (reversed ? from_value : to_value));
    const std::uint32_t middle = add_vertex(begin.x + t * (end.x - begin.x), begin.y + t * (end.y - begin.y));
    half = add_edge(begin.vertex, middle, edges[edge].line);
    add_edge(middle, end.vertex, edges[edge].line);
    edges[edge].half = half;
    edges[edge].cut = line;
  } else if (edges[edge].cut != line) {
    throw InconsistentCut{};
  }
  const std::uint32_t middle = edges[half].end;
  if (reversed) return {vertices[middle], middle, 2 * (half + 1) + 1, 2 * half + 1};
  return {vertices[middle], middle, 2 * half, 2 * (half + 1)};
}

void PlaneMesh::cut(const Polygon& polygon, const double* values, std::int8_t* signs, std::uint32_t line,
                    Polygon& negative, Polygon& positive) {
  settle(signs, polygon.size);
  const auto append = [](Polygon& part, const PlaneCorner& corner) {
    part.corners[part.size] = corner;
    return part.size++;
  };
  std::size_t exit = 0,
              entry = 0;  // the corners, of the positive and of the negative part, where the cut begins
  std::uint32_t exit_vertex = kNoId, entry_vertex = kNoId;
  negative.size = positive.size = 0;
  for (std::size_t i = 0; i < polygon.size; ++i) {
    const std::size_t k = i + 1 == polygon.size ? 0 : i + 1;
    const PlaneCorner& corner = polygon.corners[i];
    if (signs[i] == 0) {
      const std::size_t n = append(negative, corner), p = append(positive, corner);
      if (signs[k] > 0)
        entry = n, entry_vertex = corner.vertex;
      else
        exit = p, exit_vertex = corner.vertex;
      continue;
    }
    Polygon& side = signs[i] > 0 ? positive : negative;
    Polygon& other = signs[i] > 0 ? negative : positive;
    const std::size_t here = append(side, corner);
    if (signs[i] * signs[k] >= 0) continue;
    const Crossing crossing = cross(corner, polygon.corners[k], values[i], values[k], line);
    side.corners[here].edge = crossing.before;
    const PlaneCorner middle{crossing.point.x, crossing.point.y, crossing.vertex, crossing.after};
    const std::size_t begin = append(side, middle);
    append(other, middle);
    if (signs[i] > 0)
      exit = begin, exit_vertex = crossing.vertex;
    else
      entry = begin, entry_vertex = crossing.vertex;
  }
  const std::uint32_t edge = add_edge(exit_vertex, entry_vertex, line);
  positive.corners[exit].edge = 2 * edge;
  negative.corners[entry].edge = 2 * edge + 1;
}

}  // namespace facetry
