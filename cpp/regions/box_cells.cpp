#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <set>

#include "base/parallel.hpp"
#include "regions/box.hpp"
#include "regions/box_geometry.hpp"

namespace facetry {
namespace {

constexpr double kAtInfinity = 1e-12;

// The pyramids over the faces from an apex, down to edges: every simplex is (apex, apex of a face, ...,
// vertex).
class Volume {
 public:
  Volume(const BoxCell& cell, std::size_t d) : cell_(cell), d_(d), apexes_(d) {}

  double value() {
    std::vector<std::uint32_t> all(cell_.count);
    for (std::size_t i = 0; i < cell_.count; ++i) all[i] = static_cast<std::uint32_t>(i);
    return add(all, 0, std::vector<std::uint64_t>(cell_.words));
  }

 private:
  bool is_on(std::uint32_t vertex, std::size_t bit) const {
    return (cell_.masks[vertex * cell_.words + bit / 64] >> (bit % 64)) & 1;
  }

  // `face` is where the facets in `taken` meet; `depth` of them.
  double add(const std::vector<std::uint32_t>& face, std::size_t depth, std::vector<std::uint64_t> taken) {
    if (depth == d_) return simplex(face.front());
    const std::uint32_t apex = apexes_[depth] = face.front();
    double sum = 0;
    for (std::size_t w = 0; w < cell_.words; ++w)
      for (std::uint64_t rest = cell_.used[w] & ~taken[w]; rest; rest &= rest - 1) {
        const std::size_t bit = 64 * w + static_cast<std::size_t>(std::countr_zero(rest));
        if (is_on(apex, bit)) continue;
        std::vector<std::uint32_t> part;
        std::copy_if(face.begin(), face.end(), std::back_inserter(part),
                     [&](std::uint32_t v) { return is_on(v, bit); });
        if (part.empty()) continue;
        auto next = taken;
        next[w] |= std::uint64_t{1} << (bit % 64);
        sum += add(part, depth + 1, std::move(next));
      }
    return sum;
  }

  // |det| / d! by elimination with pivots.
  double simplex(std::uint32_t last) const {
    double m[kBoxMaxDimension][kBoxMaxDimension];
    for (std::size_t i = 0; i < d_; ++i)
      for (std::size_t k = 0; k < d_; ++k) m[i][k] = cell_.x[apexes_[i] * d_ + k] - cell_.x[last * d_ + k];
    double volume = 1;
    for (std::size_t c = 0; c < d_; ++c) {
      std::size_t pivot = c;
      for (std::size_t r = c; r < d_; ++r)
        if (std::abs(m[r][c]) > std::abs(m[pivot][c])) pivot = r;
      if (m[pivot][c] == 0) return 0;
      std::swap(m[pivot], m[c]);
      volume *= std::abs(m[c][c]) / static_cast<double>(c + 1);
      for (std::size_t r = c + 1; r < d_; ++r)
        for (std::size_t k = d_; k-- > c;) m[r][k] -= m[r][c] / m[c][c] * m[c][k];
    }
    return volume;
  }

  const BoxCell& cell_;
  std::size_t d_;
  std::vector<std::uint32_t> apexes_;
};

class CellSink : public BoxSink {
 public:
  CellSink(const BoxLayers& layers, BoxCells& cells, bool has_faces)
      : layers_(layers), cells_(cells), has_faces_(has_faces) {}

  void take(const BoxCell& cell, const std::uint64_t*) override {
    found = true;
    const std::size_t dimension = layers_.dimension(), inputs = layers_.space.inputs;
    const double* x = cell.x.data();
    cells_.vertices.insert(cells_.vertices.end(), x, x + cell.count * dimension);
    for (std::size_t bit = 0; bit < 64 * cell.words; ++bit) {
      if (!((cell.used[bit / 64] >> (bit % 64)) & 1)) continue;
      if (cell.has_ties && !is_facet(layers_.space, cell, bit)) continue;
      cells_.facets.push_back(cell.facets[bit]);
      cells_.facet_points.resize(cells_.facet_points.size() + inputs);
      center_of(layers_.space, cell, bit, cells_.facet_points.data() + cells_.facet_points.size() - inputs);
    }
    cells_.volumes.push_back(volume_of(cell));
    if (has_faces_) add_face_shares(cell);
  }

  bool found = false;

 private:
  double volume_of(const BoxCell& cell) const {
    const std::size_t d = layers_.space.inputs;
    if (!layers_.space.is_homogeneous) return Volume(cell, d).value();
    if (cell.count < d + 1) return std::numeric_limits<double>::infinity();
    BoxCell points;
    points.copy(cell, d + 1);
    for (std::size_t i = 0; i < cell.count; ++i) {
      const double* ray = cell.x.data() + i * (d + 1);
      if (ray[d] <= kAtInfinity) return std::numeric_limits<double>::infinity();
      for (std::size_t k = 0; k < d; ++k) points.x[i * d + k] = ray[k] / ray[d];
    }
    return Volume(points, d).value();
  }

  // A face is a set of facets that some vertex lies on.
  void add_face_shares(const BoxCell& cell) const {
    const std::size_t d = layers_.space.inputs;
    std::set<std::vector<std::uint16_t>> faces;
    for (std::size_t i = 0; i < cell.count; ++i) {
      std::vector<std::uint16_t> on;
      for (std::size_t bit = 0; bit < 64 * cell.words; ++bit)
        if ((cell.masks[i * cell.words + bit / 64] >> (bit % 64)) & 1)
          on.push_back(static_cast<std::uint16_t>(bit));
      for (std::size_t subset = 0; subset < std::size_t{1} << on.size(); ++subset) {
        std::vector<std::uint16_t> face;
        for (std::size_t k = 0; k < on.size(); ++k)
          if ((subset >> k) & 1) face.push_back(on[k]);
        faces.insert(std::move(face));
      }
    }
    std::vector<double> shares(d + 1);
    for (const auto& face : faces) {
      const bool is_at_infinity =
          layers_.space.is_homogeneous &&
          std::any_of(face.begin(), face.end(), [&](std::uint16_t bit) { return cell.facets[bit] == -1; });
      if (is_at_infinity || face.size() > d) continue;
      const auto walls =
          std::count_if(face.begin(), face.end(), [&](std::uint16_t bit) { return cell.facets[bit] >= 0; });
      shares[d - face.size()] += std::ldexp(1.0, -static_cast<int>(walls));
    }
    cells_.face_shares.insert(cells_.face_shares.end(), shares.begin(), shares.end());
  }

  const BoxLayers& layers_;
  BoxCells& cells_;
  bool has_faces_;
};

}  // namespace

BoxCells box_cells(const BoxProblem& problem, std::span<const std::uint64_t> bits, std::size_t count,
                   bool has_faces) {
  const std::size_t words = problem.layers.words;
  std::vector<BoxCells> parts(count);
  parallel_for(count, 2e4 * static_cast<double>(count), [&]() -> Work {
    return [&](std::size_t i) {
      CellSink sink(problem.layers, parts[i], has_faces);
      BoxWalk walk(problem.layers, &sink, bits.data() + i * words);
      std::vector<BoxJob> rest;
      for (std::size_t r = 0; r < problem.roots.size() && !sink.found; ++r)
        walk.run(problem.roots[r], std::numeric_limits<double>::infinity(), rest);
    };
  });
  BoxCells all;
  const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  for (const BoxCells& part : parts) {
    append(all.vertices, part.vertices);
    append(all.facets, part.facets);
    append(all.facet_points, part.facet_points);
    all.volumes.push_back(part.volumes.empty() ? 0 : part.volumes[0]);
    append(all.face_shares, part.face_shares);
    all.face_shares.resize(all.volumes.size() * (problem.layers.space.inputs + 1));
    all.vertex_ends.push_back(static_cast<std::int64_t>(all.vertices.size() / problem.layers.dimension()));
    all.facet_ends.push_back(static_cast<std::int64_t>(all.facets.size()));
  }
  return all;
}

}  // namespace facetry
