#include "polytope/polytope.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/lp.hpp"

namespace facetry::polytope {
namespace {

double norm_of(const double* row, std::size_t dim) {
  double largest = 0;
  for (std::size_t k = 0; k < dim; ++k) largest = std::max(largest, std::abs(row[k]));
  if (largest == 0) return 0;
  double sum = 0;
  for (std::size_t k = 0; k < dim; ++k) sum += (row[k] / largest) * (row[k] / largest);
  return largest * std::sqrt(sum);
}

// The lower median of the numbers that are not zero; 1 without such numbers.
double median_size(std::vector<double> distances) {
  std::erase(distances, 0.0);
  if (distances.empty()) return 1;
  const auto middle = distances.begin() + static_cast<std::ptrdiff_t>((distances.size() - 1) / 2);
  std::nth_element(distances.begin(), middle, distances.end());
  return *middle;
}

AlignedArray<double> grown(const AlignedArray<double>& old, std::size_t rows, std::size_t from,
                           std::size_t to) {
  AlignedArray<double> array(rows * to);
  for (std::size_t k = 0; k < rows && from > 0; ++k)
    std::memcpy(array.data() + k * to, old.data() + k * from, from * sizeof(double));
  return array;
}

}  // namespace

RowTable::RowTable(std::size_t dim, std::size_t capacity)
    : dim_(dim),
      stride_(round_up(std::max<std::size_t>(capacity, 1), kRowPadding)),
      columns_(dim * stride_),
      rhs_(stride_),
      inverse_size_(stride_) {
  norm_.reserve(capacity);
  size_.reserve(capacity);
}

void RowTable::copy_row(std::size_t i, double* row) const {
  for (std::size_t k = 0; k < dim_; ++k) row[k] = at(i, k);
}

double RowTable::slack(std::size_t i, const double* x) const {
  double sum = rhs_[i];
  for (std::size_t k = 0; k < dim_; ++k) sum -= at(i, k) * x[k];
  return sum;
}

void RowTable::add(const double* row, double rhs, double size, double norm) {
  if (count_ == stride_) {
    const std::size_t wider = 2 * stride_;
    columns_ = grown(columns_, dim_, stride_, wider);
    rhs_ = grown(rhs_, 1, stride_, wider);
    inverse_size_ = grown(inverse_size_, 1, stride_, wider);
    stride_ = wider;
  }
  for (std::size_t k = 0; k < dim_; ++k) columns_[k * stride_ + count_] = row[k];
  rhs_[count_] = rhs;
  inverse_size_[count_] = 1 / size;
  norm_.push_back(norm);
  size_.push_back(size);
  ++count_;
}

RowTable RowTable::lifted(double last) const {
  RowTable table(dim_ + 1, stride_);
  std::copy_n(columns_.data(), dim_ * stride_, table.columns_.data());
  std::fill_n(table.columns_.data() + dim_ * stride_, count_, last);
  std::copy_n(rhs_.data(), stride_, table.rhs_.data());
  std::copy_n(inverse_size_.data(), stride_, table.inverse_size_.data());
  table.count_ = count_;
  table.size_ = size_;
  for (const double norm : norm_) table.norm_.push_back(std::sqrt(norm * norm + last * last));
  return table;
}

void RowTable::relax(double sizes) {
  for (std::size_t i = 0; i < count_; ++i) rhs_[i] += sizes * size_[i];
}

UnitRows::UnitRows(const Batch& batch, std::size_t i)
    : table(batch.dim, batch.rows(i)), norms(batch.rows(i)) {
  const std::size_t dim = batch.dim;
  const double* A = batch.A + batch.begin(i) * dim;
  const double* b = batch.b + batch.begin(i);
  std::vector<double> distances;
  for (std::size_t row = 0; row < norms.size(); ++row) {
    norms[row] = norm_of(A + row * dim, dim);
    if (norms[row] > 0) distances.push_back(std::abs(b[row] / norms[row]));
  }
  length = median_size(distances);
  std::vector<double> unit(dim);
  for (std::size_t row = 0; row < norms.size(); ++row) {
    if (norms[row] == 0) {
      if (b[row] < 0) impossible = static_cast<std::ptrdiff_t>(row);
      continue;
    }
    for (std::size_t k = 0; k < dim; ++k) unit[k] = A[row * dim + k] / norms[row];
    const double rhs = b[row] / norms[row];
    table.add(unit.data(), rhs, std::max(std::abs(rhs), length));
    origin.push_back(row);
  }
}

}  // namespace facetry::polytope
