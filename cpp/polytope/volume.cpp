#include "polytope/volume.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "base/parallel.hpp"
#include "polytope/linear_algebra.hpp"
#include "polytope/random.hpp"
#include "polytope/vertices.hpp"

namespace facetry::polytope {
namespace {

constexpr Skeleton::Index kNone = ~Skeleton::Index{0};
constexpr std::size_t kVerticesPerCheck = 1 << 16;  // sorted between two looks at Ctrl-C
constexpr std::size_t kPointsPerItem = 4096;

}  // namespace

void Pyramids::build(Skeleton& skeleton, bool keep, std::size_t max_bytes) {
  s_ = &skeleton;
  d_ = skeleton.dimension();
  keep_ = keep;
  max_bytes_ = max_bytes;
  faces_.clear();
  children_.clear();
  table_.assign(1024, kNone);
  points_.resize(skeleton.size() * d_);
  std::vector<Index> all(skeleton.size());
  for (std::size_t v = 0; v < all.size(); ++v) {
    all[v] = static_cast<Index>(v);
    const double determinant = skeleton.refine(v);
    skeleton.coordinates(v, points_.data() + v * d_);
    faces_.push_back({0, determinant > 0 ? 1 / determinant : 0, all[v], 0, 0});
  }
  levels_.resize(d_);
  for (Level& level : levels_) {
    level.at_apex.assign(skeleton.facets(), 0);
    level.end.assign(skeleton.facets() + 1, 0);
  }
  volume_ = all.empty() ? 0 : faces_[face(0, 0, all)].weight;
}

Pyramids::Index Pyramids::face(std::uint64_t key, std::size_t depth, std::span<const Index> vertices) {
  const Index apex = vertices[0];
  if (depth == d_) return apex;
  const Index known = find(key, apex);
  if (known != kNone) return known;
  sort_into_facets(depth, vertices);
  Level& level = levels_[depth];
  level.children.clear();
  double weight = 0;
  for (std::size_t i = 0; i < level.facets.size(); ++i) {
    const Index facet = level.facets[i];
    const double height = s_->slack(facet, point(apex), false);
    if (height <= 0) continue;
    const std::size_t begin = i ? level.end[level.facets[i - 1]] : 0;
    const Index base =
        face(key ^ mix(facet + 1), depth + 1, {level.vertices.data() + begin, level.end[facet] - begin});
    weight += height * faces_[base].weight;
    if (keep_) level.children.push_back({base, weight});
  }
  Face made{key, weight / static_cast<double>(d_ - depth), apex, children_.size(), level.children.size()};
  children_.insert(children_.end(), level.children.begin(), level.children.end());
  return insert(made);
}

// Lists the vertices of every facet of the face that does not hold its apex, in the order of `vertices`.
void Pyramids::sort_into_facets(std::size_t depth, std::span<const Index> vertices) {
  since_check_ += vertices.size();
  if (since_check_ > kVerticesPerCheck) {
    since_check_ = 0;
    check_stop();
  }
  Level& level = levels_[depth];
  for (const Index facet : level.facets) level.end[facet] = 0;
  level.facets.clear();
  const auto at_apex = s_->facets_of(vertices[0]);
  for (const Index facet : at_apex) level.at_apex[facet] = 1;
  for (const Index v : vertices.subspan(1))
    for (const Index facet : s_->facets_of(v))
      if (!level.at_apex[facet] && level.end[facet]++ == 0) level.facets.push_back(facet);
  Index total = 0;
  for (const Index facet : level.facets) {
    const Index count = level.end[facet];
    level.end[facet] = total;
    total += count;
  }
  level.vertices.resize(total);
  for (const Index v : vertices.subspan(1))
    for (const Index facet : s_->facets_of(v))
      if (!level.at_apex[facet]) level.vertices[level.end[facet]++] = v;
  for (const Index facet : at_apex) level.at_apex[facet] = 0;
}

// Two faces with one key have, but for one chance in 2^64, the same facets through them; the apex is compared
// too.
Pyramids::Index Pyramids::find(std::uint64_t key, Index apex) const {
  const std::size_t mask = table_.size() - 1;
  for (std::size_t i = key & mask; table_[i] != kNone; i = (i + 1) & mask)
    if (faces_[table_[i]].key == key && faces_[table_[i]].apex == apex) return table_[i];
  return kNone;
}

Pyramids::Index Pyramids::insert(const Face& face) {
  const auto place = [this](Index number) {
    const std::size_t mask = table_.size() - 1;
    std::size_t i = faces_[number].key & mask;
    while (table_[i] != kNone) i = (i + 1) & mask;
    table_[i] = number;
  };
  const std::size_t made = faces_.size() - s_->size();
  if (2 * (made + 1) > table_.size()) {
    require_room();
    table_.assign(2 * table_.size(), kNone);
    for (std::size_t i = s_->size(); i < faces_.size(); ++i) place(static_cast<Index>(i));
  }
  const auto number = static_cast<Index>(faces_.size());
  faces_.push_back(face);
  place(number);
  return number;
}

void Pyramids::require_room() const {
  const std::size_t bytes =
      2 * (faces_.size() * sizeof(Face) + children_.size() * sizeof(Child) + table_.size() * sizeof(Index));
  if (2 * bytes > max_bytes_)
    throw std::length_error("the polytope has so many faces that they do not fit in memory (" +
                            std::to_string(faces_.size()) + " so far)");
}

void Pyramids::centroid(double* out) const {
  // Faces come after the faces they stand on.
  std::vector<double> centre(points_);
  centre.resize(faces_.size() * d_);
  std::vector<std::uint8_t> dimension(faces_.size());
  for (std::size_t f = s_->size(); f < faces_.size(); ++f) {
    const Face& face = faces_[f];
    double before = 0;
    double* c = centre.data() + f * d_;
    for (std::size_t i = face.first_child; i < face.first_child + face.children; ++i) {
      const double share =
          (children_[i].weight - before) / children_[face.first_child + face.children - 1].weight;
      before = children_[i].weight;
      dimension[f] = static_cast<std::uint8_t>(dimension[children_[i].face] + 1);
      const double* base = centre.data() + children_[i].face * d_;
      for (std::size_t k = 0; k < d_; ++k) c[k] += share * base[k];
    }
    // The centroid of a pyramid divides the way from its apex to that of its base as dimension : 1.
    const double n = dimension[f];
    for (std::size_t k = 0; k < d_; ++k) c[k] = (n * c[k] + point(face.apex)[k]) / (n + 1);
  }
  std::copy_n(centre.data() + (faces_.size() - 1) * d_, d_, out);
}

void Pyramids::sample(std::uint64_t seed, std::size_t n, double* out) const {
  const std::size_t items = (n + kPointsPerItem - 1) / kPointsPerItem;
  parallel_for(items, 50.0 * static_cast<double>(n * d_), [&] {
    return [&](std::size_t item) {
      for (std::size_t i = item * kPointsPerItem; i < std::min(n, (item + 1) * kPointsPerItem); ++i) {
        Random random(seed, i);
        double* x = out + i * d_;
        std::fill_n(x, d_, 0.0);
        double total = 0;
        const auto add = [&](Index vertex) {
          const double share = random.exponential();
          total += share;
          for (std::size_t k = 0; k < d_; ++k) x[k] += share * point(vertex)[k];
        };
        std::size_t f = faces_.size() - 1;
        while (faces_[f].children) {
          const Face& face = faces_[f];
          add(face.apex);
          const auto first = children_.begin() + static_cast<std::ptrdiff_t>(face.first_child);
          const auto last = first + static_cast<std::ptrdiff_t>(face.children);
          const double where = random.uniform() * (last - 1)->weight;
          f = std::upper_bound(first, last - 1, where, [](double w, const Child& c) {
                return w < c.weight;
              })->face;
        }
        add(faces_[f].apex);
        for (std::size_t k = 0; k < d_; ++k) x[k] /= total;
      }
    };
  });
}

namespace {

bool is_bounded(const Skeleton& s) {
  for (std::size_t v = 0; v < s.size(); ++v)
    if (s.at_infinity(v)) return false;
  return s.lines().empty();
}

}  // namespace

void build_solid(const HalfSpaces& rows, const SkeletonOptions& options, Skeleton& skeleton,
                 Pyramids& pyramids) {
  parallel_for(1, 0, [&] {
    return [&](std::size_t) {
      skeleton.build(rows, options);
      if (is_flat(skeleton) || !is_bounded(skeleton))
        throw std::invalid_argument("the polytope is empty, lower-dimensional or unbounded");
      pyramids.build(skeleton, true, options.max_bytes);
    };
  });
}

void volumes(const HalfSpaces& rows, std::span<const std::int64_t> offsets, const SkeletonOptions& options,
             double* out) {
  const std::size_t polytopes = offsets.size() - 1;
  const double nanoseconds = 1000.0 * static_cast<double>(rows.count * rows.dimension);
  parallel_for(polytopes, nanoseconds, [&] {
    return [&, skeleton = Skeleton(), pyramids = Pyramids()](std::size_t i) mutable {
      skeleton.build(rows.part(offsets[i], offsets[i + 1]), options);
      out[i] = 0;
      if (is_flat(skeleton)) return;
      out[i] = std::numeric_limits<double>::infinity();
      if (!is_bounded(skeleton)) return;
      pyramids.build(skeleton, false, options.max_bytes);
      out[i] = pyramids.volume();
    };
  });
}

}  // namespace facetry::polytope
