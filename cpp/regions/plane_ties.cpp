#include "regions/plane_ties.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace facetry {
namespace {

std::size_t index(std::int32_t id) { return static_cast<std::size_t>(id); }

// Keeps the rows that are wanted, in order.
template <class T>
void keep_rows(PlaneArray<T>& rows, const std::vector<bool>& wanted) {
  const std::size_t width = wanted.empty() ? 0 : rows.size / wanted.size();
  std::size_t to = 0;
  for (std::size_t row = 0; row < wanted.size(); ++row)
    if (wanted[row]) std::copy_n(rows.data.get() + row * width, width, rows.data.get() + to++ * width);
  rows.size = to * width;
}

// The new number of everything that is kept.
std::vector<std::int32_t> renumber(const std::vector<bool>& kept) {
  std::vector<std::int32_t> numbers(kept.size(), kPlaneOutside);
  std::int32_t next = 0;
  for (std::size_t i = 0; i < kept.size(); ++i)
    if (kept[i]) numbers[i] = next++;
  return numbers;
}

class TieMerge {
 public:
  explicit TieMerge(PlaneComplex& complex)
      : complex_(complex),
        face_of_(complex.face_ends.size),
        edge_kept_(complex.edge_neurons.size, true),
        vertex_kept_(complex.vertices.size / 2, true) {
    std::iota(face_of_.begin(), face_of_.end(), std::size_t{0});
  }

  // False where there is nothing to merge. A merged face has its least number.
  bool drop_edges() {
    bool any = false;
    for (std::size_t e = 0; e < edge_kept_.size(); ++e) {
      if (complex_.edge_neurons[e] != kPlaneTie) continue;
      const std::size_t a = index(complex_.edge_faces[2 * e]), b = index(complex_.edge_faces[2 * e + 1]);
      if (complex_.classes[a] != complex_.classes[b]) continue;
      edge_kept_[e] = false;
      any = true;
      const std::size_t low = std::min(root(a), root(b)), high = std::max(root(a), root(b));
      face_of_[high] = low;
    }
    for (std::size_t face = 0; face < face_of_.size(); ++face) face_of_[face] = root(face);
    return any;
  }

  // Faces are convex: a vertex with two edges left is in the middle of a straight one, unless it is a corner
  // of the domain.
  void drop_vertices(std::size_t corners) {
    std::vector<std::array<std::size_t, 2>> at(vertex_kept_.size());
    std::vector<std::size_t> degree(vertex_kept_.size(), 0);
    for (std::size_t e = 0; e < edge_kept_.size(); ++e)
      for (std::size_t end = 0; end < 2 && edge_kept_[e]; ++end) {
        const std::size_t v = index(complex_.edges[2 * e + end]);
        if (degree[v] < 2) at[v][degree[v]] = e;
        ++degree[v];
      }
    for (std::size_t v = corners; v < vertex_kept_.size(); ++v) {
      if (degree[v] > 2) continue;
      vertex_kept_[v] = false;
      if (degree[v] == 2) join(std::min(at[v][0], at[v][1]), std::max(at[v][0], at[v][1]), v, at);
    }
  }

  void rebuild() {
    std::vector<bool> face_kept(face_of_.size()), is_merged(face_of_.size(), false);
    for (std::size_t face = 0; face < face_of_.size(); ++face) {
      face_kept[face] = face_of_[face] == face;
      if (!face_kept[face]) is_merged[face_of_[face]] = true;
    }
    rebuild_corners(face_kept, is_merged);
    const std::vector<std::int32_t> face_numbers = renumber(face_kept),
                                    vertex_numbers = renumber(vertex_kept_);
    for (std::size_t i = 0; i < complex_.edges.size; ++i) {
      complex_.edges[i] = vertex_numbers[index(complex_.edges[i])];
      if (complex_.edge_faces[i] != kPlaneOutside)
        complex_.edge_faces[i] = face_numbers[face_of_[index(complex_.edge_faces[i])]];
    }
    for (std::size_t i = 0; i < complex_.face_corners.size; ++i)
      complex_.face_corners[i] = vertex_numbers[index(complex_.face_corners[i])];
    keep_rows(complex_.vertices, vertex_kept_);
    keep_rows(complex_.edges, edge_kept_);
    keep_rows(complex_.edge_faces, edge_kept_);
    keep_rows(complex_.edge_neurons, edge_kept_);
    keep_rows(complex_.bits, face_kept);
    keep_rows(complex_.outputs, face_kept);
    keep_rows(complex_.classes, face_kept);
  }

 private:
  using Arc = std::pair<std::int32_t, std::int32_t>;  // from a vertex to the next one, counterclockwise

  std::size_t root(std::size_t face) {
    while (face_of_[face] != face) face = face_of_[face] = face_of_[face_of_[face]];
    return face;
  }

  // Edge `first` becomes both.
  void join(std::size_t first, std::size_t second, std::size_t vertex,
            std::vector<std::array<std::size_t, 2>>& at) {
    const auto middle = static_cast<std::int32_t>(vertex);
    const std::size_t away = complex_.edges[2 * second] == middle ? 1 : 0;
    const std::int32_t far = complex_.edges[2 * second + away];
    complex_.edges[2 * first + (complex_.edges[2 * first] == middle ? 0 : 1)] = far;
    edge_kept_[second] = false;
    std::replace(at[index(far)].begin(), at[index(far)].end(), second, first);
  }

  void rebuild_corners(const std::vector<bool>& face_kept, const std::vector<bool>& is_merged) {
    std::vector<std::vector<Arc>> arcs(face_of_.size());
    for (std::size_t e = 0; e < edge_kept_.size(); ++e)
      for (std::size_t side = 0; side < 2 && edge_kept_[e]; ++side) {
        if (complex_.edge_faces[2 * e + side] == kPlaneOutside) continue;
        const std::size_t face = face_of_[index(complex_.edge_faces[2 * e + side])];
        if (is_merged[face])
          arcs[face].push_back({complex_.edges[2 * e + side], complex_.edges[2 * e + 1 - side]});
      }
    std::vector<std::int32_t> corners;
    std::vector<std::int64_t> ends;
    for (std::size_t face = 0; face < face_of_.size(); ++face) {
      if (!face_kept[face]) continue;
      if (is_merged[face])
        append_loop(arcs[face], corners);
      else
        append_old(face, corners);
      ends.push_back(static_cast<std::int64_t>(corners.size()));
    }
    complex_.face_corners.size = corners.size();  // fewer than there were
    complex_.face_ends.size = ends.size();
    std::copy(corners.begin(), corners.end(), complex_.face_corners.data.get());
    std::copy(ends.begin(), ends.end(), complex_.face_ends.data.get());
  }

  static void append_loop(const std::vector<Arc>& arcs, std::vector<std::int32_t>& corners) {
    std::int32_t at = arcs.front().first;
    for (std::size_t i = 0; i < arcs.size(); ++i) {
      corners.push_back(at);
      at = std::find_if(arcs.begin(), arcs.end(), [&](const Arc& arc) { return arc.first == at; })->second;
    }
  }

  void append_old(std::size_t face, std::vector<std::int32_t>& corners) const {
    const auto end = static_cast<std::size_t>(complex_.face_ends[face]);
    const std::size_t begin = face == 0 ? 0 : static_cast<std::size_t>(complex_.face_ends[face - 1]);
    for (std::size_t i = begin; i < end; ++i)
      if (vertex_kept_[index(complex_.face_corners[i])]) corners.push_back(complex_.face_corners[i]);
  }

  PlaneComplex& complex_;
  std::vector<std::size_t> face_of_;
  std::vector<bool> edge_kept_, vertex_kept_;
};

}  // namespace

void merge_ties(PlaneComplex& complex, std::size_t corners) {
  TieMerge merge(complex);
  if (!merge.drop_edges()) return;
  merge.drop_vertices(corners);
  merge.rebuild();
}

}  // namespace facetry
