#include "polytope/vertices.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parallel.hpp"

namespace facetry::polytope {
namespace {

constexpr std::size_t kItems = 64;  // pieces of work for many polytopes: enough for every thread to be busy

// Merges the vertices of a skeleton that are one vertex of the polytope, and appends what is left.
class Collector {
 public:
  void append(Skeleton& skeleton, bool with_faces, VertexForms& out) {
    s_ = &skeleton;
    d_ = skeleton.dimension();
    merge();
    number();
    write_points(out);
    if (with_faces) {
      write_incidence(out);
      write_edges(out);
    }
  }

 private:
  using Index = Skeleton::Index;

  struct Tied {
    std::size_t vertex;
    double determinant;
    std::vector<Index> rows;
  };

  // Vertices without ties are done. Others are the same vertex where the same rows hold; the one with the
  // best conditioned basis tells its place.
  void merge() {
    tied_.clear();
    group_.resize(s_->size());
    for (std::size_t v = 0; v < s_->size(); ++v) {
      group_[v] = static_cast<Index>(v);
      if (s_->tied(v))
        tied_.push_back({v, s_->refine(v), {}});
      else if (!s_->is_sharp(v))
        s_->refine(v);
    }
    x_.resize(d_);
    for (Tied& t : tied_) t.rows = rows_at(t.vertex);
    std::sort(tied_.begin(), tied_.end(), [this](const Tied& a, const Tied& b) {
      if (a.rows != b.rows) return a.rows < b.rows;
      if (s_->at_infinity(a.vertex) != s_->at_infinity(b.vertex)) return s_->at_infinity(a.vertex);
      return a.determinant != b.determinant ? a.determinant > b.determinant : a.vertex < b.vertex;
    });
    for (std::size_t i = 1; i < tied_.size(); ++i)
      if (tied_[i].rows == tied_[i - 1].rows &&
          s_->at_infinity(tied_[i].vertex) == s_->at_infinity(tied_[i - 1].vertex))
        group_[tied_[i].vertex] = group_[tied_[i - 1].vertex];
  }

  std::vector<Index> rows_at(std::size_t v) {
    std::vector<Index> rows;
    s_->coordinates(v, x_.data());
    const bool far = s_->at_infinity(v);
    const auto basis = s_->facets_of(v);
    for (std::size_t i = 0; i < s_->rows(); ++i)
      if (s_->tie(i, s_->slack(i, x_.data(), far), x_.data(), far) ||
          std::find(basis.begin(), basis.end(), static_cast<Index>(i)) != basis.end())
        rows.push_back(static_cast<Index>(i));
    return rows;
  }

  // Vertices get the numbers 0, 1, ..., rays those that follow.
  void number() {
    members_.clear();
    for (const bool far : {false, true}) {
      for (std::size_t v = 0; v < s_->size(); ++v)
        if (group_[v] == v && s_->at_infinity(v) == far) members_.push_back(static_cast<Index>(v));
      if (!far) finite_ = members_.size();
    }
    number_.resize(s_->size());
    for (std::size_t i = 0; i < members_.size(); ++i) number_[members_[i]] = static_cast<std::int32_t>(i);
    for (std::size_t v = 0; v < s_->size(); ++v) number_[v] = number_[group_[v]];
  }

  void write_points(VertexForms& out) {
    x_.resize(d_);
    for (std::size_t i = 0; i < members_.size(); ++i) {
      s_->coordinates(members_[i], x_.data());
      auto& list = i < finite_ ? out.vertices : out.rays;
      for (const double x : x_) list.push_back(x + 0.0);  // 0 in place of -0
    }
    if (finite_)
      for (std::size_t j = 0; j < s_->lines().size(); j += d_)
        for (const double sign : {1.0, -1.0})
          for (std::size_t k = 0; k < d_; ++k) out.rays.push_back(sign * s_->lines()[j + k]);
    out.vertex_offsets.push_back(static_cast<std::int64_t>(out.vertices.size() / d_));
    out.ray_offsets.push_back(static_cast<std::int64_t>(out.rays.size() / d_));
  }

  void write_incidence(VertexForms& out) {
    std::vector<const Tied*> rows(members_.size());
    for (const Tied& t : tied_)
      if (group_[t.vertex] == t.vertex) rows[static_cast<std::size_t>(number_[t.vertex])] = &t;
    std::vector<Index> basis;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const auto facets = s_->facets_of(members_[i]);
      basis.assign(facets.begin(), facets.end());
      std::sort(basis.begin(), basis.end());
      for (const Index row : rows[i] ? rows[i]->rows : basis)
        if (row < s_->rows()) out.incidence.push_back(static_cast<std::int32_t>(row));
      out.incidence_offsets.push_back(static_cast<std::int64_t>(out.incidence.size()));
    }
    for (std::size_t j = 0; finite_ && j < 2 * s_->lines().size() / d_; ++j) {
      for (std::size_t i = 0; i < s_->rows(); ++i) out.incidence.push_back(static_cast<std::int32_t>(i));
      out.incidence_offsets.push_back(static_cast<std::int64_t>(out.incidence.size()));
    }
  }

  void write_edges(VertexForms& out) {
    edges_.clear();
    const auto finite = static_cast<std::int32_t>(finite_);
    for (std::size_t v = 0; v < s_->size(); ++v)
      for (const Index u : s_->neighbours_of(v)) {
        const auto pair = std::minmax(number_[v], number_[u]);
        if (u < v && pair.first != pair.second && pair.first < finite) edges_.push_back(pair);
      }
    std::sort(edges_.begin(), edges_.end());
    edges_.erase(std::unique(edges_.begin(), edges_.end()), edges_.end());
    for (const auto& [a, b] : edges_) {
      out.edges.push_back(a);
      out.edges.push_back(b);
    }
    out.edge_offsets.push_back(static_cast<std::int64_t>(out.edges.size() / 2));
  }

  Skeleton* s_ = nullptr;
  std::size_t d_ = 0, finite_ = 0;
  std::vector<Tied> tied_;
  std::vector<Index> group_, members_;
  std::vector<std::int32_t> number_;
  std::vector<double> x_;
  std::vector<std::pair<std::int32_t, std::int32_t>> edges_;
};

template <class T>
void append(std::vector<T>& all, const std::vector<T>& part) {
  all.insert(all.end(), part.begin(), part.end());
}

void append_offsets(std::vector<std::int64_t>& all, const std::vector<std::int64_t>& part) {
  const std::int64_t base = all.back();
  for (std::size_t i = 1; i < part.size(); ++i) all.push_back(base + part[i]);
}

}  // namespace

VertexForms vertex_forms(const HalfSpaces& rows, std::span<const std::int64_t> offsets, bool with_faces,
                         const SkeletonOptions& options) {
  const std::size_t polytopes = offsets.size() - 1;
  const std::size_t items = std::min(polytopes, kItems);
  std::vector<VertexForms> parts(items);
  const double nanoseconds = 100.0 * static_cast<double>(rows.count * rows.dimension);
  parallel_for(items, nanoseconds, [&] {
    return [&, skeleton = Skeleton(), collector = Collector()](std::size_t item) mutable {
      for (std::size_t i = item * polytopes / items; i < (item + 1) * polytopes / items; ++i) {
        skeleton.build(rows.part(offsets[i], offsets[i + 1]), options);
        collector.append(skeleton, with_faces, parts[item]);
        check_stop();
      }
    };
  });
  VertexForms all;
  all.dimension = rows.dimension;
  for (const VertexForms& part : parts) {
    append(all.vertices, part.vertices);
    append(all.rays, part.rays);
    append(all.incidence, part.incidence);
    append(all.edges, part.edges);
    append_offsets(all.vertex_offsets, part.vertex_offsets);
    append_offsets(all.ray_offsets, part.ray_offsets);
    append_offsets(all.incidence_offsets, part.incidence_offsets);
    append_offsets(all.edge_offsets, part.edge_offsets);
  }
  return all;
}

bool is_flat(const Skeleton& s) {
  if (s.size() == 0) return true;
  std::vector<double> x(s.dimension());
  const auto holds = [&](std::size_t row, std::size_t v) {
    s.coordinates(v, x.data());
    return s.tie(row, s.slack(row, x.data(), s.at_infinity(v)), x.data(), s.at_infinity(v));
  };
  for (std::size_t row = 0; row < s.rows(); ++row) {
    std::size_t v = 0;
    while (v < s.size() && holds(row, v)) ++v;
    if (v == s.size()) return true;
  }
  return false;
}

}  // namespace facetry::polytope
