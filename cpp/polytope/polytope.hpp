// Half-space polytopes {x : A x <= b} as algorithms see them: rows scaled to unit norm, stored by columns.
// The tolerance rule is that of python/facetry/polytope/_tolerance.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned.hpp"

namespace facetry::polytope {

// Many polytopes of one dimension: rows offsets[i] .. offsets[i + 1] - 1 of A and b are polytope i's. A row
// of zeros is allowed where its b is negative: that polytope is empty.
struct Batch {
  const double* A = nullptr;
  const double* b = nullptr;
  const std::int64_t* offsets = nullptr;
  std::size_t count = 0;
  std::size_t dim = 0;
  double tolerance = 0;

  std::size_t begin(std::size_t i) const { return static_cast<std::size_t>(offsets[i]); }
  std::size_t rows(std::size_t i) const { return begin(i + 1) - begin(i); }
  std::size_t total_rows() const { return static_cast<std::size_t>(offsets[count] - offsets[0]); }
};

// Rows a . x <= rhs by columns, to which rows can be added. size is what a slack is compared with: one of at
// most tolerance * size counts as zero.
class RowTable {
 public:
  RowTable() = default;
  RowTable(std::size_t dim, std::size_t capacity);

  std::size_t dim() const { return dim_; }
  std::size_t count() const { return count_; }
  std::size_t stride() const { return stride_; }
  const double* columns() const { return columns_.data(); }
  const double* rhs() const { return rhs_.data(); }
  const double* inverse_size() const { return inverse_size_.data(); }
  double rhs(std::size_t i) const { return rhs_[i]; }
  double norm(std::size_t i) const { return norm_[i]; }
  double size(std::size_t i) const { return size_[i]; }
  double at(std::size_t i, std::size_t k) const { return columns_[k * stride_ + i]; }
  void copy_row(std::size_t i, double* row) const;
  double slack(std::size_t i, const double* x) const;

  void clear() {
    count_ = 0;
    norm_.clear();
    size_.clear();
  }
  // The capacity grows when needed.
  void add(const double* row, double rhs, double size, double norm = 1);
  // The same rows in one dimension more, with this last coefficient.
  RowTable lifted(double last) const;
  // Moves every row outwards by so many sizes.
  void relax(double sizes);

 private:
  std::size_t dim_ = 0, count_ = 0, stride_ = 0;
  AlignedArray<double> columns_, rhs_, inverse_size_;
  std::vector<double> norm_, size_;
};

// The rows of one polytope of a batch, scaled to unit norm.
struct UnitRows {
  UnitRows(const Batch& batch, std::size_t i);

  RowTable table;                   // the rows that are not zero
  std::vector<double> norms;        // of the given rows, zero rows among them
  std::vector<std::size_t> origin;  // the given row of each row of the table
  double length = 1;                // the lower median of the non-zero |rhs|, the smallest size there is
  std::ptrdiff_t impossible = -1;   // a given row 0 <= negative, or -1
};

}  // namespace facetry::polytope
