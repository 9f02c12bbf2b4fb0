// The dual simplex method for max c . x over the rows of a table, x free.
//
// A basis is d rows with c = sum y_j a_j, y >= 0; its vertex x bounds c . x from above. The row that x
// violates most enters, until none is violated. It starts with rows "at infinity", which are tight at
// distance R for every large R: the vertex is near + R * far, and decisions are taken for R without bound, so
// no box is ever assumed. Rows at infinity that stay show a direction in which the polytope is unbounded. A
// basis row whose y is negative, for a new c, is turned into a row at infinity on its other side, which makes
// every basis a start for every c.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/aligned.hpp"
#include "polytope/polytope.hpp"

namespace facetry::polytope {

// Violations, relative to a row's size, that the simplex method leaves: well below every tolerance that can
// be set, well above rounding.
inline constexpr double kFeasibility = 1e-13, kDirection = 1e-11;

// What one linear programme for each polytope of a batch takes, roughly.
double lp_nanoseconds(const Batch& batch);

enum class Status : std::uint8_t { kOptimal, kUnbounded, kEmpty };

class Simplex {
 public:
  static constexpr std::int32_t kAtInfinity = -1;

  // The table is not copied; rows may be added to it between calls. Violations of at most tolerance * size
  // are none.
  Simplex(const RowTable& table, double tolerance, double direction = kDirection);

  // Forgets the basis: the rows at infinity are again those of a box.
  void reset();
  // Puts these rows into the basis, those that are independent of the ones before.
  void warm_start(const std::int64_t* rows, std::size_t count);

  // Throws std::runtime_error after too many pivots, which rounding alone can cause.
  Status maximize(const double* objective);

  // The steps of maximize, for callers that decide themselves which rows are looked at.
  void set_objective(const double* objective);
  // The row of `rows` that the vertex violates most, or -1.
  std::ptrdiff_t most_violated(const RowTable& rows);
  // The same at infinity alone: the row of `rows` that far() leaves fastest, or -1.
  std::ptrdiff_t most_violated_far(const RowTable& rows);
  // A row of the table enters the basis. False where no basis row can leave: the table's polytope is empty.
  bool enter(std::size_t row);
  // Takes the rounding of many pivots out of the vertex and the multipliers.
  void settle() {
    if (since_refactor_ > 0) refactor();
  }

  std::size_t dim() const { return dim_; }
  std::size_t pivots() const { return pivots_; }
  // Row of the table in each slot of the basis, or kAtInfinity.
  const std::vector<std::int32_t>& basis() const { return slots_; }
  // The multiplier of each slot's row. After kEmpty: those that with 1 for contradiction() add up to 0 <=
  // negative.
  const std::vector<double>& multipliers() const { return y_; }
  std::ptrdiff_t contradiction() const { return contradiction_; }
  double objective_at_vertex() const;
  bool at_infinity() const { return infinite_ > 0; }
  bool has_rising_ray() const;
  const double* near() const { return near_.data(); }
  const double* far() const { return far_.data(); }
  // A point of the polytope: the optimal vertex, or one far enough towards far() to keep all rows.
  void point(double* x) const;

 private:
  void locate();
  void refactor();
  void price(const RowTable& rows, const double* x, bool with_rhs);
  template <class Counts>
  std::ptrdiff_t worst(const RowTable& rows, const Counts& counts) const;
  std::ptrdiff_t most_violated_along(const RowTable& rows);
  bool uses_lowest_index() const;
  std::size_t leaving_slot();

  const RowTable* table_;
  double tolerance_, direction_;
  std::size_t dim_, stride_;
  AlignedArray<double> inverse_;  // column j: the edge along which basis row j alone changes
  std::vector<double> normals_;   // the basis rows, also those at infinity
  std::vector<std::int32_t> slots_;
  std::vector<double> y_, ratio_, near_, far_, objective_;
  AlignedArray<double> row_, mu_, values_;
  std::size_t infinite_ = 0, pivots_ = 0, since_refactor_ = 0, stalled_ = 0, entering_ = 0;
  std::ptrdiff_t contradiction_ = -1;
};

// True where every direction leaves a row: the table's polytope is bounded or empty.
bool has_no_ray(const RowTable& table, double tolerance);

}  // namespace facetry::polytope
