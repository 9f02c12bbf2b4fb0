// An unbounded domain is a cone of rays (x, w), w >= 0. It begins as a half-space, which has no vertices: the
// first hyperplanes each take one direction away from the space of lines that the cone contains, until it is
// pointed.
#include "regions/box_domain.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace facetry {
namespace {

constexpr double kRelativeTolerance = 1e-13;
constexpr double kDependent = 1e-10;  // a row of unit length counts as 0 on lines where it is at most this
constexpr double kAtInfinity = 1e-9;  // a ray of unit length with w up to this may be a direction

struct Row {
  std::vector<double> function;  // of (x, w)
  std::int32_t facet = 0;
  bool keeps_both = false;  // otherwise only the side where it is negative
};

double dot(const std::vector<double>& a, const double* b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

double size_of(const std::vector<double>& a) {
  double largest = 0;
  for (const double v : a) largest = std::max(largest, std::abs(v));
  return largest;
}

BoxCell box_cell(const std::vector<double>& lo, const std::vector<double>& hi) {
  const std::size_t d = lo.size();
  BoxCell cell;
  cell.count = std::size_t{1} << d;
  cell.reserve(cell.count, d);
  cell.facets.assign(64, 0);
  for (std::size_t f = 0; f < 2 * d; ++f) cell.facets[f] = -1 - static_cast<std::int32_t>(f);
  for (std::size_t v = 0; v < cell.count; ++v)
    for (std::size_t k = 0; k < d; ++k) {
      const std::size_t side = (v >> k) & 1;
      cell.x[v * d + k] = side ? hi[k] : lo[k];
      cell.masks[v] |= std::uint64_t{1} << (2 * k + side);
    }
  cell.find_used();
  return cell;
}

// Cones that share the lines which they contain.
class Cones {
 public:
  explicit Cones(std::size_t inputs) : dimension_(inputs + 1), cells_(1) {
    cells_[0].push_back({unit(inputs), 0});
    for (std::size_t k = 0; k < inputs; ++k) lines_.push_back(unit(k));
  }

  // How far the row is from 0 on the lines, and the line where it is farthest.
  std::pair<double, std::size_t> farthest(const Row& row) const {
    std::pair<double, std::size_t> best{0, 0};
    const double size = size_of(row.function);
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      const double value = std::abs(dot(row.function, lines_[i].data()));
      if (size > 0 && value / size > best.first) best = {value / size, i};
    }
    return best;
  }

  void cut(const Row& row, std::size_t chosen) {
    std::vector<double> line = lines_[chosen];
    lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(chosen));
    const double slope = dot(row.function, line.data());
    const auto slide = [&](std::vector<double>& v) {
      const double t = dot(row.function, v.data()) / slope;
      for (std::size_t k = 0; k < dimension_; ++k) v[k] -= t * line[k];
      const double size = size_of(v);
      for (double& value : v) value /= size;
    };
    for (auto& other : lines_) slide(other);
    const std::uint64_t before = (std::uint64_t{1} << facets_.size()) - 1;
    std::vector<std::vector<Ray>> cut;
    for (auto& cell : cells_) {
      for (Ray& ray : cell) {
        slide(ray.x);
        ray.mask |= before + 1;
      }
      for (const double sign : {1.0, -1.0}) {
        if (sign * slope > 0 && !row.keeps_both) continue;
        Ray end{line, before};
        for (double& value : end.x) value *= sign;
        cut.push_back(cell);
        cut.back().push_back(std::move(end));
      }
    }
    cells_ = std::move(cut);
    facets_.push_back(row.facet);
  }

  std::vector<BoxCell> cells() const {
    std::vector<BoxCell> made;
    for (const auto& rays : cells_) {
      BoxCell& cell = made.emplace_back();
      cell.count = rays.size();
      cell.reserve(cell.count, dimension_);
      for (std::size_t i = 0; i < rays.size(); ++i) {
        std::copy(rays[i].x.begin(), rays[i].x.end(), cell.x.data() + i * dimension_);
        cell.masks[i] = rays[i].mask;
      }
      cell.facets = facets_;
      cell.facets.resize(64);
      cell.find_used();
    }
    return made;
  }

 private:
  struct Ray {
    std::vector<double> x;
    std::uint64_t mask;
  };

  std::vector<double> unit(std::size_t k) const {
    std::vector<double> v(dimension_);
    v[k] = 1;
    return v;
  }

  std::size_t dimension_;
  std::vector<std::vector<double>> lines_;
  std::vector<std::vector<Ray>> cells_;
  std::vector<std::int32_t> facets_{-1};  // w = 0
};

// Takes rows away from `rows` that leave no line to the cones, the ones farthest from zero first.
void make_pointed(Cones& cones, std::vector<Row>& rows) {
  while (!rows.empty()) {
    std::size_t best = 0;
    double distance = 0;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const double here = cones.farthest(rows[r]).first;
      if (here > distance) best = r, distance = here;
    }
    if (distance <= kDependent) return;
    cones.cut(rows[best], cones.farthest(rows[best]).second);
    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(best));
  }
}

// Cells inside the row; those without an interior are left out.
std::vector<BoxCell> inside(const BoxLayers& layers, std::vector<BoxCell> cells, const Row& row) {
  const std::size_t dimension = layers.dimension();
  std::vector<double> function = row.function;
  function.push_back(0);
  double tolerance = 0;
  for (const double v : function) tolerance += kRelativeTolerance * std::abs(v);
  std::vector<BoxCell> kept;
  BoxCutter cutter(layers);
  for (BoxCell& cell : cells) {
    bool is_in = false, is_out = false;
    for (std::size_t i = 0; i < cell.count; ++i) {
      const double value = dot(row.function, cell.x.data() + i * dimension);
      is_in |= value < -tolerance;
      is_out |= value > tolerance;
    }
    if (!is_in) continue;
    if (!is_out) {
      kept.push_back(std::move(cell));
      continue;
    }
    BoxCell low, high;
    cutter.cut(cell, function.data(), tolerance, row.facet, low, high);
    kept.push_back(std::move(low));
  }
  return kept;
}

// Points instead of rays, where the cell is bounded.
bool leave_homogeneous(BoxCell& cell, std::size_t inputs, std::vector<double>& extent) {
  for (std::size_t i = 0; i < cell.count; ++i)
    if (cell.x[i * (inputs + 1) + inputs] <= kAtInfinity) return false;
  AlignedArray<double> points(cell.x.size());
  for (std::size_t i = 0; i < cell.count; ++i)
    for (std::size_t k = 0; k < inputs; ++k) {
      const double* ray = cell.x.data() + i * (inputs + 1);
      points[i * inputs + k] = ray[k] / ray[inputs];
      extent[k] = std::max(extent[k], std::abs(points[i * inputs + k]));
    }
  cell.x = std::move(points);
  return true;
}

std::vector<Row> rows_of(const BoxDomain& domain, std::size_t inputs) {
  std::vector<Row> rows;
  for (std::size_t r = 0; r < domain.right.size(); ++r) {
    const auto begin = domain.rows.begin() + static_cast<std::ptrdiff_t>(r * inputs);
    Row row{{begin, begin + static_cast<std::ptrdiff_t>(inputs)}, -2 - static_cast<std::int32_t>(r), false};
    row.function.push_back(-domain.right[r]);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Row> rows_of(const BoxLink& link, const BoxLayer& layer) {
  std::vector<Row> rows;
  for (std::size_t j = 0; j < link.outputs; ++j) {
    const auto begin = link.matrix.begin() + static_cast<std::ptrdiff_t>(j * link.inputs);
    Row row{{begin, begin + static_cast<std::ptrdiff_t>(link.inputs)},
            static_cast<std::int32_t>(layer.first_neuron + j),
            true};
    row.function.push_back(link.shift[j]);
    rows.push_back(std::move(row));
  }
  return rows;
}

BoxProblem finish(BoxLayers layers, std::vector<BoxCell> cells) {
  BoxProblem problem{std::move(layers), {}};
  for (std::size_t i = 0; i < cells.size(); ++i) {
    BoxJob& root = problem.roots.emplace_back();
    root.key = {static_cast<std::uint32_t>(i)};
    root.cell = std::move(cells[i]);
    root.bits.resize(problem.layers.words);
    if (problem.layers.layers.empty()) continue;
    const AlignedArray<double>& base = problem.layers.layers[0].base;
    root.functions = AlignedArray<double>(base.size());
    std::copy_n(base.data(), base.size(), root.functions.data());
  }
  return problem;
}

}  // namespace

BoxProblem make_box_problem(const Network<double>& network, const BoxDomain& domain, bool has_output) {
  const std::vector<BoxLink> links = box_links(network);
  const std::size_t inputs = network.graph().input_width();
  BoxSpace space{inputs, domain.lo.empty(), std::vector<double>(inputs, 1.0)};
  if (!space.is_homogeneous) {
    for (std::size_t k = 0; k < inputs; ++k)
      space.extent[k] = std::max(std::abs(domain.lo[k]), std::abs(domain.hi[k]));
    std::vector<BoxCell> cells;
    cells.push_back(box_cell(domain.lo, domain.hi));
    return finish(make_box_layers(network, links, std::move(space), has_output), std::move(cells));
  }
  BoxLayers layers = make_box_layers(network, links, space, has_output);
  Cones cones(inputs);
  std::vector<Row> rows = rows_of(domain, inputs);
  make_pointed(cones, rows);
  if (!layers.layers.empty()) {
    std::vector<Row> neurons = rows_of(links[0], layers.layers[0]);
    make_pointed(cones, neurons);
  }
  std::vector<BoxCell> cells = cones.cells();
  for (const Row& row : rows) cells = inside(layers, std::move(cells), row);
  if (cells.empty()) throw std::domain_error("domain is empty or has no interior");
  std::fill(space.extent.begin(), space.extent.end(), 0.0);
  if (cells.size() == 1 && leave_homogeneous(cells[0], inputs, space.extent)) {
    space.is_homogeneous = false;
    layers = make_box_layers(network, links, std::move(space), has_output);
  }
  return finish(std::move(layers), std::move(cells));
}

}  // namespace facetry
