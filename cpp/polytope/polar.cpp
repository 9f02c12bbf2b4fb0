#include "polytope/polar.hpp"

#include <algorithm>
#include <cmath>

#include "base/dispatch.hpp"
#include "base/parallel.hpp"
#include "polytope/lp.hpp"
#include "polytope/polygon.hpp"

namespace facetry::polytope {
namespace {

// Rows that are tested one after the other and learn from each other: a fixed number, so that the result does
// not depend on the threads.
constexpr std::size_t kChunk = 64;
// A ray that hits its row by less than this before all others may have met an edge.
constexpr double kClearHit = 1e-7;
// Rows that a ray hits within this are hit together.
constexpr double kSameHit = 1e-11;

// Later ones outweigh earlier ones. A narrow facet may follow from others and is tested once more.
enum Verdict : std::uint8_t { kUnknown, kRedundant, kNarrow, kFacet };

struct Hit {
  std::size_t row;
  bool clear;
};

class Rays {
 public:
  explicit Rays(const PolarRows& rows) : rows_(rows), table_(rows.table()), values_(table_.stride()) {}

  // The row that the ray along y hits first. Of rows hit together, the one that a ray turned a little hits.
  Hit shoot(const double* y) {
    const std::size_t first = kernels().lp.price({table_.columns(), table_.stride(), table_.count(),
                                                  table_.dim(), y, nullptr, nullptr, values_.data()});
    const double best = values_[first];
    const double clear = best - std::max(kClearHit, 2 * rows_.slack(first)) * std::abs(best);
    const double same = best - kSameHit * std::abs(best);
    bool is_clear = true;
    together_.clear();
    for (std::size_t i = 0; i < table_.count(); ++i) {
      if (values_[i] < clear) continue;
      is_clear = is_clear && i == first;
      if (values_[i] >= same) together_.push_back(i);
    }
    return {together_.size() > 1 ? turned(together_) : first, is_clear};
  }

 private:
  std::size_t turned(const std::vector<std::size_t>& candidates) const {
    std::size_t best = candidates[0];
    double largest = -1e300;
    for (const std::size_t i : candidates) {
      double sum = 0, direction = 0.5;
      for (std::size_t k = 0; k < table_.dim(); ++k) {
        direction =
            std::fmod(direction + 0.6180339887498949, 1.0);  // no row is at right angles to this by habit
        sum += (direction - 0.5) * table_.at(i, k);
      }
      if (sum > largest + 1e-12 * std::abs(largest)) {
        largest = sum;
        best = i;
      }
    }
    return best;
  }

  const PolarRows& rows_;
  const RowTable& table_;
  std::vector<double> values_;
  std::vector<std::size_t> together_;
};

// Tests rows one after the other against the facets known so far.
class Tester {
 public:
  Tester(const PolarRows& rows, const std::vector<std::size_t>& known)
      : rows_(rows),
        rays_(rows),
        facets_(rows.table().dim(), known.size() + kChunk),
        row_(rows.table().dim()),
        point_(rows.table().dim()),
        is_facet_(rows.table().count(), false),
        simplex_(facets_, kFeasibility) {
    for (const std::size_t i : known) add(i);
  }

  // Sets verdicts of the row and of facets found on the way.
  void test(std::size_t row, std::vector<Verdict>& verdicts) {
    if (is_facet_[row]) return;
    std::vector<double> objective(facets_.dim());
    rows_.table().copy_row(row, objective.data());
    simplex_.set_objective(objective.data());
    const std::size_t limit = 1000 + 100 * facets_.dim() + 2 * rows_.table().count();
    for (std::size_t step = 0; step < limit; ++step) {
      if (!simplex_.at_infinity() && is_implied(row)) {
        verdicts[row] = kRedundant;
        return;
      }
      const std::ptrdiff_t violated = simplex_.most_violated(facets_);
      if (violated >= 0) {
        if (simplex_.enter(static_cast<std::size_t>(violated))) continue;
        simplex_.reset();  // rounding: the origin satisfies all rows
        simplex_.set_objective(objective.data());
        continue;
      }
      const Hit hit = rays_.shoot(direction());
      verdicts[hit.row] = std::max(verdicts[hit.row], hit.clear ? kFacet : kNarrow);
      if (is_facet_[hit.row]) break;  // rounding: the vertex is on it already
      add(hit.row);
      if (hit.row == row) return;
    }
    verdicts[row] = kNarrow;
  }

 private:
  void add(std::size_t i) {
    rows_.table().copy_row(i, row_.data());
    facets_.add(row_.data(), 1, 1, rows_.table().norm(i));
    is_facet_[i] = true;
  }

  bool is_implied(std::size_t row) {
    const double excess = simplex_.objective_at_vertex() - 1;
    if (std::abs(excess) < kClearHit) simplex_.settle();
    return !simplex_.at_infinity() && simplex_.objective_at_vertex() - 1 <= rows_.slack(row);
  }

  const double* direction() {
    if (simplex_.has_rising_ray()) return simplex_.far();
    simplex_.point(point_.data());
    return point_.data();
  }

  const PolarRows& rows_;
  Rays rays_;
  RowTable facets_;
  std::vector<double> row_, point_;
  std::vector<bool> is_facet_;
  Simplex simplex_;
};

std::vector<std::size_t> rows_with(const std::vector<Verdict>& verdicts, Verdict a, Verdict b) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < verdicts.size(); ++i)
    if (verdicts[i] == a || verdicts[i] == b) rows.push_back(i);
  return rows;
}

// Whether the other facets imply this one.
bool is_implied(const PolarRows& rows, const std::vector<std::size_t>& facets, std::size_t row) {
  const RowTable& table = rows.table();
  RowTable others(table.dim(), facets.size());
  std::vector<double> point(table.dim());
  for (const std::size_t i : facets) {
    if (i == row) continue;
    table.copy_row(i, point.data());
    others.add(point.data(), 1, 1, table.norm(i));
  }
  table.copy_row(row, point.data());
  Simplex simplex(others, kFeasibility);
  return simplex.maximize(point.data()) == Status::kOptimal &&
         simplex.objective_at_vertex() - 1 <= rows.slack(row);
}

}  // namespace

std::vector<std::size_t> facets(const PolarRows& rows, bool threaded) {
  const RowTable& table = rows.table();
  const std::size_t count = table.count(), chunks = (count + kChunk - 1) / kChunk;
  std::vector<std::size_t> names;
  if (table.dim() == 2) {
    for (const std::size_t i : polygon_facets(rows)) names.push_back(rows.name(i));
    return names;
  }
  const double nanoseconds = threaded ? 0.2 * static_cast<double>(count * count * table.dim()) : 0;

  // Rays along the rows themselves find most facets of a small polytope.
  std::vector<Hit> hits(count);
  parallel_for(chunks, nanoseconds, [&]() -> Work {
    return [&, rays = Rays(rows), y = std::vector<double>(table.dim())](std::size_t chunk) mutable {
      for (std::size_t i = chunk * kChunk; i < std::min(count, (chunk + 1) * kChunk); ++i) {
        table.copy_row(i, y.data());
        hits[i] = rays.shoot(y.data());
      }
    };
  });
  std::vector<Verdict> verdicts(count, kUnknown);
  for (const Hit& hit : hits) verdicts[hit.row] = std::max(verdicts[hit.row], hit.clear ? kFacet : kNarrow);
  const std::vector<std::size_t> known = rows_with(verdicts, kFacet, kNarrow);

  std::vector<std::vector<Verdict>> by_chunk(chunks);
  parallel_for(chunks, 20 * nanoseconds, [&]() -> Work {
    return [&](std::size_t chunk) {
      std::vector<Verdict>& found = by_chunk[chunk];
      found.assign(count, kUnknown);
      Tester tester(rows, known);
      for (std::size_t i = chunk * kChunk; i < std::min(count, (chunk + 1) * kChunk); ++i)
        tester.test(i, found);
    };
  });
  for (const std::vector<Verdict>& found : by_chunk)
    for (std::size_t i = 0; i < count; ++i) verdicts[i] = std::max(verdicts[i], found[i]);

  std::vector<std::size_t> result = rows_with(verdicts, kFacet, kNarrow);
  for (std::size_t i = count; i-- > 0;) {  // backwards, so that the first of equal rows stays
    if (verdicts[i] == kNarrow && is_implied(rows, result, i)) std::erase(result, i);
  }
  for (const std::size_t i : result) names.push_back(rows.name(i));
  return names;
}

}  // namespace facetry::polytope
