// Volume, centroid and uniform points of a bounded polytope, from pyramids: a face is cut into pyramids with
// one apex over those of its facets that do not hold the apex, down to the vertices (a pulling
// triangulation).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "polytope/skeleton.hpp"

namespace facetry::polytope {

class Pyramids {
 public:
  // Faces are shared between pyramids and so computed once. `keep` keeps them for centroid() and sample().
  // std::length_error where that takes more than max_bytes.
  void build(Skeleton& skeleton, bool keep, std::size_t max_bytes);

  double volume() const { return volume_; }
  // Of a polytope of positive volume.
  void centroid(double* out) const;
  // Uniform points, (n, dimension); point i depends on the seed and i alone.
  void sample(std::uint64_t seed, std::size_t n, double* out) const;

 private:
  using Index = Skeleton::Index;

  struct Child {
    Index face;
    double weight;  // added up over the children of a face
  };
  // The weight of a face is its volume over the volume that the unit normals of the facets through it span,
  // so 1 / |det| for a vertex, and (1 / dimension) sum of slack(apex) * weight over its facets: no lengths of
  // projections are needed (Lasserre 1983 with an apex in place of the origin: all terms are positive).
  struct Face {
    std::uint64_t key;
    double weight;
    Index apex;
    std::size_t first_child, children;
  };

  Index face(std::uint64_t key, std::size_t depth, std::span<const Index> vertices);
  void sort_into_facets(std::size_t depth, std::span<const Index> vertices);
  Index find(std::uint64_t key, Index apex) const;
  Index insert(const Face& face);
  void require_room() const;
  const double* point(Index vertex) const { return points_.data() + vertex * d_; }

  const Skeleton* s_ = nullptr;
  std::size_t d_ = 0, max_bytes_ = 0, since_check_ = 0;
  bool keep_ = false;
  double volume_ = 0;
  std::vector<double> points_;
  std::vector<Face> faces_;  // the vertices first
  std::vector<Child> children_;
  std::vector<Index> table_;  // open addressing, by key
  // Scratch of the face that is being cut at each depth: its facets that do not hold the apex, their
  // vertices.
  struct Level {
    std::vector<std::uint8_t> at_apex;
    std::vector<Index> facets, vertices, end;
    std::vector<Child> children;
  };
  std::vector<Level> levels_;
};

// Throws std::invalid_argument for a polytope that is empty, flat or unbounded.
void build_solid(const HalfSpaces& rows, const SkeletonOptions& options, Skeleton& skeleton,
                 Pyramids& pyramids);

// One number a polytope: infinite where it is unbounded, 0 where it is flat or empty.
void volumes(const HalfSpaces& rows, std::span<const std::int64_t> offsets, const SkeletonOptions& options,
             double* out);

}  // namespace facetry::polytope
