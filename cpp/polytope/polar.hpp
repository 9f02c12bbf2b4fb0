// Facets among rows p . y <= 1 that all hold at the origin with room.
#pragma once

#include <vector>

#include "polytope/polytope.hpp"

namespace facetry::polytope {

// Row i follows from others when these keep p . y <= 1 + slack.
class PolarRows {
 public:
  PolarRows(std::size_t dim, std::size_t capacity) : table_(dim, capacity) {}
  void add(std::size_t name, const double* point, double norm, double slack) {
    table_.add(point, 1, 1, norm);
    names_.push_back(name);
    slacks_.push_back(slack);
  }
  const RowTable& table() const { return table_; }
  std::size_t name(std::size_t i) const { return names_[i]; }
  double slack(std::size_t i) const { return slacks_[i]; }

 private:
  RowTable table_;
  std::vector<std::size_t> names_;
  std::vector<double> slacks_;
};

// The names of the rows that no others imply. The result does not depend on the number of threads.
std::vector<std::size_t> facets(const PolarRows& rows, bool threaded);

}  // namespace facetry::polytope
