#include "polytope/lp.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "base/dispatch.hpp"

namespace facetry::polytope {
namespace {

// Pivots relatively smaller than this would lose more digits than a refactorisation gives back.
constexpr double kPivotTolerance = 1e-10;
constexpr std::size_t kRefactorEvery = 60;
// Negative multipliers smaller than this, in units of the objective times the edge, are rounding of zero.
constexpr double kDualTolerance = 1e-12;
// Violations smaller than this, in units of the vertex's distance from the origin, are rounding of zero.
constexpr double kRounding = 1e-14;

double dot(const double* a, const double* b, std::size_t n) {
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) sum += a[k] * b[k];
  return sum;
}

double length(const double* a, std::size_t n) { return std::sqrt(dot(a, a, n)); }

std::runtime_error too_many_steps(const RowTable& table, std::size_t steps) {
  return std::runtime_error("a linear programme of " + std::to_string(table.count()) + " rows in " +
                            std::to_string(table.dim()) + " dimensions was not solved in " +
                            std::to_string(steps) + " steps: its rows are too ill-conditioned");
}

}  // namespace

double lp_nanoseconds(const Batch& batch) {
  const double pivots = 5.0 * static_cast<double>(batch.dim * batch.count);
  const double rows = static_cast<double>(batch.total_rows()) * static_cast<double>(batch.dim);
  return 500.0 * static_cast<double>(batch.count) + pivots * 50 + 0.5 * static_cast<double>(batch.dim) * rows;
}

Simplex::Simplex(const RowTable& table, double tolerance, double direction)
    : table_(&table),
      tolerance_(tolerance),
      direction_(direction),
      dim_(table.dim()),
      stride_(round_up(dim_, std::size_t{8})),
      inverse_(dim_ * stride_),
      normals_(dim_ * dim_),
      slots_(dim_),
      y_(dim_),
      ratio_(dim_),
      near_(dim_),
      far_(dim_),
      objective_(dim_),
      row_(stride_),
      mu_(stride_) {
  reset();
}

void Simplex::reset() {
  std::fill_n(inverse_.data(), inverse_.size(), 0.0);
  std::fill(normals_.begin(), normals_.end(), 0.0);
  for (std::size_t k = 0; k < dim_; ++k) inverse_[k * stride_ + k] = normals_[k * dim_ + k] = 1;
  std::fill(slots_.begin(), slots_.end(), kAtInfinity);
  infinite_ = dim_;
  since_refactor_ = stalled_ = 0;
}

void Simplex::warm_start(const std::int64_t* rows, std::size_t count) {
  reset();
  for (std::size_t i = 0; i < count; ++i) {
    if (rows[i] < 0) continue;
    const auto row = static_cast<std::size_t>(rows[i]);
    table_->copy_row(row, row_.data());
    kernels().lp.transform(inverse_.data(), stride_, dim_, row_.data(), mu_.data());
    std::size_t best = dim_;
    for (std::size_t j = 0; j < dim_; ++j)
      if (slots_[j] == kAtInfinity && (best == dim_ || std::abs(mu_[j]) > std::abs(mu_[best]))) best = j;
    if (best == dim_ || std::abs(mu_[best]) < 1e-6 * table_->norm(row)) continue;
    kernels().lp.exchange(inverse_.data(), stride_, dim_, best, mu_.data());
    std::copy_n(row_.data(), dim_, normals_.data() + best * dim_);
    slots_[best] = static_cast<std::int32_t>(row);
    --infinite_;
  }
  ++since_refactor_;
}

void Simplex::set_objective(const double* objective) {
  if (objective != objective_.data()) std::copy_n(objective, dim_, objective_.data());
  const double size = length(objective_.data(), dim_);
  for (std::size_t j = 0; j < dim_; ++j) {
    double sum = 0, square = 0;
    for (std::size_t k = 0; k < dim_; ++k) {
      const double edge = inverse_[k * stride_ + j];
      sum += objective_[k] * edge;
      square += edge * edge;
    }
    y_[j] = std::max(sum, 0.0);
    if (sum >= -kDualTolerance * size * std::sqrt(square)) continue;
    y_[j] = -sum;
    for (std::size_t k = 0; k < dim_; ++k) {
      inverse_[k * stride_ + j] = -inverse_[k * stride_ + j];
      normals_[j * dim_ + k] = -normals_[j * dim_ + k];
    }
    if (slots_[j] != kAtInfinity) ++infinite_;
    slots_[j] = kAtInfinity;
  }
  stalled_ = 0;
  locate();
}

// The vertex from the basis, with one step of iterative refinement.
void Simplex::locate() {
  std::fill(near_.begin(), near_.end(), 0.0);
  std::fill(far_.begin(), far_.end(), 0.0);
  for (int step = 0; step < 2; ++step) {
    for (std::size_t j = 0; j < dim_; ++j) {
      const bool finite = slots_[j] != kAtInfinity;
      const double* normal = normals_.data() + j * dim_;
      mu_[j] =
          (finite ? table_->rhs(static_cast<std::size_t>(slots_[j])) : 0) - dot(normal, near_.data(), dim_);
      row_[j] = (finite ? 0 : 1) - dot(normal, far_.data(), dim_);
    }
    for (std::size_t k = 0; k < dim_; ++k) {
      near_[k] += dot(inverse_.data() + k * stride_, mu_.data(), dim_);
      far_[k] += dot(inverse_.data() + k * stride_, row_.data(), dim_);
    }
    if (since_refactor_ == 0 && infinite_ == dim_) break;  // the box at infinity is exact
  }
}

// Inverts the basis anew, by Gauss-Jordan elimination with row pivoting; starts over where it is singular.
void Simplex::refactor() {
  std::vector<double> left = normals_;  // row j: basis row j
  std::vector<double> right(dim_ * dim_, 0.0);
  for (std::size_t j = 0; j < dim_; ++j) right[j * dim_ + j] = 1;
  for (std::size_t k = 0; k < dim_; ++k) {
    std::size_t pivot = k;
    for (std::size_t j = k + 1; j < dim_; ++j)
      if (std::abs(left[j * dim_ + k]) > std::abs(left[pivot * dim_ + k])) pivot = j;
    if (std::abs(left[pivot * dim_ + k]) < 1e-13) {
      reset();
      set_objective(objective_.data());
      return;
    }
    if (pivot != k) {
      std::swap_ranges(&left[k * dim_], &left[k * dim_] + dim_, &left[pivot * dim_]);
      std::swap_ranges(&right[k * dim_], &right[k * dim_] + dim_, &right[pivot * dim_]);
    }
    const double scale = 1 / left[k * dim_ + k];
    for (std::size_t i = 0; i < dim_; ++i) {
      left[k * dim_ + i] *= scale;
      right[k * dim_ + i] *= scale;
    }
    for (std::size_t j = 0; j < dim_; ++j) {
      const double factor = left[j * dim_ + k];
      if (j == k || factor == 0) continue;
      for (std::size_t i = 0; i < dim_; ++i) {
        left[j * dim_ + i] -= factor * left[k * dim_ + i];
        right[j * dim_ + i] -= factor * right[k * dim_ + i];
      }
    }
  }
  for (std::size_t k = 0; k < dim_; ++k)
    std::copy_n(right.data() + k * dim_, dim_, inverse_.data() + k * stride_);
  since_refactor_ = 0;
  const std::size_t stalled = stalled_;
  set_objective(objective_.data());
  stalled_ = stalled;
}

void Simplex::price(const RowTable& rows, const double* x, bool with_rhs) {
  if (values_.size() < rows.stride()) values_ = AlignedArray<double>(rows.stride());
  const double* rhs = with_rhs ? rows.rhs() : nullptr;
  const double* weight = with_rhs ? rows.inverse_size() : nullptr;
  entering_ =
      kernels().lp.price({rows.columns(), rows.stride(), rows.count(), dim_, x, rhs, weight, values_.data()});
}

bool Simplex::uses_lowest_index() const { return stalled_ > 2 * dim_ + 20; }

std::ptrdiff_t Simplex::most_violated_far(const RowTable& rows) {
  price(rows, far_.data(), false);
  const double threshold = direction_ * length(far_.data(), dim_);
  if (rows.count() == 0) return -1;
  if (!uses_lowest_index() && values_[entering_] > threshold * rows.norm(entering_))
    return static_cast<std::ptrdiff_t>(entering_);
  std::ptrdiff_t best = -1;
  for (std::size_t i = 0; i < rows.count(); ++i) {
    if (values_[i] <= threshold * rows.norm(i)) continue;
    if (uses_lowest_index()) return static_cast<std::ptrdiff_t>(i);
    if (best < 0 || values_[i] > values_[static_cast<std::size_t>(best)])
      best = static_cast<std::ptrdiff_t>(i);
  }
  return best;
}

// Of the rows that `counts` accepts among those that near violates, the worst; the first when stalled.
template <class Counts>
std::ptrdiff_t Simplex::worst(const RowTable& rows, const Counts& counts) const {
  const double rounding = kRounding * length(near_.data(), dim_);
  std::ptrdiff_t best = -1;
  for (std::size_t i = 0; i < rows.count(); ++i) {
    if (!(values_[i] > tolerance_ + rounding * rows.norm(i) / rows.size(i)) || !counts(i)) continue;
    if (uses_lowest_index()) return static_cast<std::ptrdiff_t>(i);
    if (best < 0 || values_[i] > values_[static_cast<std::size_t>(best)])
      best = static_cast<std::ptrdiff_t>(i);
  }
  return best;
}

// Where far violates no row: rows that it leaves are kept by near + R * far for large R, so only those along
// it count.
std::ptrdiff_t Simplex::most_violated_along(const RowTable& rows) {
  const double along = -direction_ * length(far_.data(), dim_);
  const std::vector<double> far_values(values_.data(), values_.data() + rows.count());
  price(rows, near_.data(), true);
  return worst(rows, [&](std::size_t i) { return far_values[i] >= along * rows.norm(i); });
}

std::ptrdiff_t Simplex::most_violated(const RowTable& rows) {
  if (rows.count() == 0) return -1;
  if (at_infinity()) {
    const std::ptrdiff_t row = most_violated_far(rows);
    return row >= 0 ? row : most_violated_along(rows);
  }
  price(rows, near_.data(), true);
  const double best = values_[entering_];
  if (!(best > tolerance_)) return -1;
  const bool clear = best > tolerance_ + kRounding * length(near_.data(), dim_) * rows.norm(entering_) /
                                             rows.size(entering_);
  if (clear && !uses_lowest_index()) return static_cast<std::ptrdiff_t>(entering_);
  return worst(rows, [](std::size_t) { return true; });
}

// The ratio test on mu_. Of nearly equal ratios the largest pivot wins; the lowest row when stalled (Bland).
std::size_t Simplex::leaving_slot() {
  double largest = 0;
  for (std::size_t j = 0; j < dim_; ++j) largest = std::max(largest, std::abs(mu_[j]));
  const double least = kPivotTolerance * largest;
  double smallest = std::numeric_limits<double>::infinity();
  for (std::size_t j = 0; j < dim_; ++j) {
    ratio_[j] = mu_[j] > least ? y_[j] / mu_[j] : std::numeric_limits<double>::infinity();
    smallest = std::min(smallest, ratio_[j]);
  }
  std::size_t best = dim_;
  const double tie = smallest * (1 + 1e-12) + 1e-14;
  for (std::size_t j = 0; j < dim_ && smallest < std::numeric_limits<double>::infinity(); ++j) {
    if (ratio_[j] > tie) continue;
    const bool better = best == dim_ || (uses_lowest_index() ? slots_[j] < slots_[best] : mu_[j] > mu_[best]);
    if (better) best = j;
  }
  return best;
}

bool Simplex::enter(std::size_t row) {
  table_->copy_row(row, row_.data());
  kernels().lp.transform(inverse_.data(), stride_, dim_, row_.data(), mu_.data());
  const std::size_t r = leaving_slot();
  if (r == dim_) {
    contradiction_ = static_cast<std::ptrdiff_t>(row);
    for (std::size_t j = 0; j < dim_; ++j) y_[j] = slots_[j] == kAtInfinity ? 0 : std::max(-mu_[j], 0.0);
    return false;
  }
  const double step_near = (dot(row_.data(), near_.data(), dim_) - table_->rhs(row)) / mu_[r];
  const double step_far = dot(row_.data(), far_.data(), dim_) / mu_[r];
  for (std::size_t k = 0; k < dim_; ++k) {
    near_[k] -= step_near * inverse_[k * stride_ + r];
    far_[k] -= step_far * inverse_[k * stride_ + r];
  }
  const double ratio = y_[r] / mu_[r];
  for (std::size_t j = 0; j < dim_; ++j) y_[j] = std::max(y_[j] - ratio * mu_[j], 0.0);
  y_[r] = ratio;
  stalled_ = ratio > 1e-13 ? 0 : stalled_ + 1;
  kernels().lp.exchange(inverse_.data(), stride_, dim_, r, mu_.data());
  std::copy_n(row_.data(), dim_, normals_.data() + r * dim_);
  if (slots_[r] == kAtInfinity) --infinite_;
  slots_[r] = static_cast<std::int32_t>(row);
  ++pivots_;
  if (++since_refactor_ >= kRefactorEvery) refactor();
  return true;
}

bool Simplex::has_rising_ray() const {
  if (!at_infinity()) return false;
  const double rise = dot(objective_.data(), far_.data(), dim_);
  return rise > direction_ * length(objective_.data(), dim_) * length(far_.data(), dim_);
}

double Simplex::objective_at_vertex() const { return dot(objective_.data(), near_.data(), dim_); }

Status Simplex::maximize(const double* objective) {
  set_objective(objective);
  // Ten pivots a dimension are usual. Beyond this many the basis is started anew, then given up.
  const std::size_t limit = 2000 + 100 * dim_ + 2 * table_->count();
  for (std::size_t step = 0; step < 2 * limit; ++step) {
    const std::ptrdiff_t row = most_violated(*table_);
    if (row < 0) {
      if (since_refactor_ == 0) return has_rising_ray() ? Status::kUnbounded : Status::kOptimal;
      refactor();  // decide by an exact basis, not by what the updates made of it
    } else if (!enter(static_cast<std::size_t>(row))) {
      if (since_refactor_ == 0) return Status::kEmpty;
      refactor();
    }
    if (step == limit) {
      reset();
      set_objective(objective);
    }
  }
  throw too_many_steps(*table_, 2 * limit);
}

void Simplex::point(double* x) const {
  const double far = length(far_.data(), dim_), rounding = kRounding * length(near_.data(), dim_);
  double reach = 0;
  for (std::size_t i = 0; at_infinity() && i < table_->count(); ++i) {
    double along = 0;
    for (std::size_t k = 0; k < dim_; ++k) along += table_->at(i, k) * far_[k];
    const double slack = table_->slack(i, near_.data());
    const bool violated = slack < -tolerance_ * table_->size(i) - rounding * table_->norm(i);
    if (violated && along < -direction_ * table_->norm(i) * far) reach = std::max(reach, slack / along);
  }
  for (std::size_t k = 0; k < dim_; ++k) x[k] = near_[k] + (reach > 0 ? reach * far_[k] : 0);
}

bool has_no_ray(const RowTable& table, double tolerance) {
  if (table.count() <= table.dim()) return false;
  std::vector<double> inwards(table.dim(), 0.0);
  for (std::size_t i = 0; i < table.count(); ++i)
    for (std::size_t k = 0; k < table.dim(); ++k) inwards[k] -= table.at(i, k);
  Simplex simplex(table, kFeasibility, tolerance);
  simplex.set_objective(inwards.data());
  const std::size_t limit = 2000 + 100 * table.dim() + 2 * table.count();
  for (std::size_t step = 0; step < limit && simplex.at_infinity(); ++step) {
    const std::ptrdiff_t row = simplex.most_violated_far(table);
    if (row < 0) return false;
    simplex.enter(static_cast<std::size_t>(row));
  }
  if (simplex.at_infinity()) throw too_many_steps(table, limit);
  return true;
}

}  // namespace facetry::polytope
