// Vertices and edges of polygons that are cut again and again. An edge that is cut keeps its two halves, so
// that the polygon on its other side finds the same vertex when the same line cuts it: no search, no welding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/plane.hpp"

namespace facetry {

inline constexpr std::uint32_t kNoId = ~std::uint32_t{0};

struct PlanePoint {
  double x = 0, y = 0;
};

// Lines have numbers that ascend in the order in which every polygon is cut by them.
struct PlaneEdge {
  std::uint32_t begin = 0, end = 0;        // vertices
  std::uint32_t line = kNoId;              // that it lies on; none: the domain's boundary
  std::uint32_t half = kNoId;              // once cut: its first half, the second one follows
  std::uint32_t cut = kNoId;               // and the line that cut it
  std::uint32_t face[2] = {kNoId, kNoId};  // to the left, to the right
};

struct Polygon {
  PlaneCorner* corners = nullptr;  // counterclockwise
  std::size_t size = 0;
};

// Polygons disagree about a shared edge: rounding errors exceed the tolerance.
struct InconsistentCut {};

class PlaneMesh {
 public:
  std::uint32_t add_vertex(double x, double y);
  std::uint32_t add_edge(std::uint32_t begin, std::uint32_t end, std::uint32_t line);

  // Cuts a polygon where values change sign; signs are those of values beyond the tolerance, of both kinds,
  // and are settled. The parts, negative and positive, need room for two corners more than the polygon has.
  void cut(const Polygon& polygon, const double* values, std::int8_t* signs, std::uint32_t line,
           Polygon& negative, Polygon& positive);

  std::vector<PlanePoint> vertices;
  std::vector<PlaneEdge> edges;

 private:
  struct Crossing {
    PlanePoint point;
    std::uint32_t vertex;
    std::uint32_t before, after;  // the halves of the edge, as a corner names them
  };
  Crossing cross(const PlaneCorner& from, const PlaneCorner& to, double from_value, double to_value,
                 std::uint32_t line);
};

}  // namespace facetry
